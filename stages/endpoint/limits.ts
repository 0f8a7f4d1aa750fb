/** How long a server is waited for; what a request may take is said by whoever asks. */

/** Times in ms. */
export interface ClientLimits {
  /** A request that failed is repeated after about this long, then twice as long, and so on … */
  readonly firstWait: number;
  /** … up to this long. */
  readonly longestWait: number;
  /** A server that asks for a longer pause is not waited for. */
  readonly longestPause: number;
  /** Bytes of the longest answer that is read. */
  readonly longestAnswer: number;
}

/** Of a server that answers prompts. */
export interface AnswerLimits extends ClientLimits {
  /** After the first failure of a request, it is repeated for this long. */
  readonly patience: number;
  /** The same while the server has not been reached yet: whoever began it is still there, and can be told at once. */
  readonly firstPatience: number;
  /** Times that a request is made whose answer cannot be read, or does not come in time. */
  readonly tries: number;
  /** So many requests in a row that are refused end it. */
  readonly refusals: number;
}

/** Accounts that are told to slow down may have to wait for minutes; an answer of 32,768 tokens is about 200 kB. */
export const ANSWER_LIMITS: AnswerLimits = {
  firstWait: 500,
  longestWait: 60_000,
  longestPause: 900_000,
  longestAnswer: 16 << 20,
  patience: 900_000,
  firstPatience: 2_000,
  tries: 3,
  refusals: 16,
};
