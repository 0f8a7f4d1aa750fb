/**
 * Which of two replies a judge prefers, as a probability: it is asked to answer with one token, `m` for the first reply or `M` for the
 * second, and what counts is how likely it finds either, not which of them it says (AlpacaEval 2, Dubois et al., arXiv 2404.04475). So
 * the server has to give log-probabilities of the first token (`logprobs` and `top_logprobs` of
 * https://platform.openai.com/docs/api-reference/chat/create). One that is not among those counts as impossible.
 */
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import {openClient} from '../../endpoint/client.js';
import {fieldOf, jsonIn, wordsIn} from '../../endpoint/fields.js';
import {inParallel} from '../../endpoint/in-parallel.js';
import {shortened} from '../../endpoint/printable.js';
import {NO_JUDGE, type JudgeSettings} from '../judge-settings.js';
import {credited, verdict, type Verdict} from '../verdict.js';
import {JUDGE_WORDS, unansweredIn} from './endpoint.js';
import {JUDGE_LIMITS, TRIAL_PATIENCE, type JudgeLimits} from './limits.js';

/** A message of a chat. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

export interface PreferenceJudge {
  /** For messages: where it is asked. */
  readonly called: string;
  /**
   * Asks about two replies of which the first is known to be better.
   *
   * @returns what there is to tell of it, if anything
   * @throws {StageFailure} where it cannot be asked, gives no log-probabilities, or says neither `m` nor `M`
   */
  try(chat: readonly Message[], signal: AbortSignal): Promise<string | undefined>;
  /**
   * How probable it is that the first reply is the better one: the verdict's value, in the order of the chats.
   *
   * @throws {StageFailure} where the endpoint cannot be asked, or gives no judgement many times in a row; {Stopped} once the signal
   * is aborted
   */
  judge(chats: readonly (readonly Message[])[], signal: AbortSignal): Promise<readonly Verdict[]>;
  /** Ends connections that are kept. */
  close(): void;
}

const FIRST = 'm';
const SECOND = 'M';

/** One token with the five likeliest in its place. Temperature 1, as some servers scale what they tell by it. */
const ONE_TOKEN: JudgeSettings['request'] = {max_tokens: 1, temperature: 1, logprobs: true, top_logprobs: 5};

const NO_LOGPROBS = 'the judge’s answer has no log-probabilities';
const NEITHER = `the judge said neither ${FIRST} nor ${SECOND}`;

/** What was read in an answer, or why there is nothing to read. */
type Read =
  | {readonly kind: 'read'; readonly probability: number}
  | {readonly kind: 'none'; readonly why: string; readonly words: string}
  | {readonly kind: 'timed-out'; readonly words: string};

/**
 * @param options.settings of the judge; fields of its request that are those of every judge give way to those of one token
 * @throws {StageFailure} where the address is none
 */
export function openPreferenceJudge({
  settings: {model, request, concurrency, timeout},
  address,
  key,
  limits = JUDGE_LIMITS,
}: {
  readonly settings: Pick<JudgeSettings, 'model' | 'request' | 'concurrency' | 'timeout'>;
  readonly address: string;
  readonly key?: string | undefined;
  readonly limits?: JudgeLimits;
}): PreferenceJudge {
  const client = openClient({address, key, timeout, limits, words: JUDGE_WORDS});
  const own = Object.entries(request).filter(([name, value]) => NO_JUDGE.request[name] !== value);
  const fields = Object.entries({...ONE_TOKEN, ...Object.fromEntries(own)}).filter(([, value]) => value !== null);
  let troubles = 0;

  const ask = async (chat: readonly Message[], patience: number, signal: AbortSignal): Promise<Read> => {
    const body = JSON.stringify({model, messages: chat, ...Object.fromEntries(fields)});
    const outcome = await client.ask(body, {patience: () => patience, signal});
    return outcome.kind === 'answered' ? preferenceIn(outcome.text) : unansweredIn(outcome);
  };
  const wordsOf = (read: Exclude<Read, {kind: 'read'}>): string =>
    read.kind === 'none' ? `${read.why}: ${read.words}` : read.words;

  const verdictOf = (read: Read): Verdict => {
    if (read.kind === 'read') {
      troubles = 0;
      return credited(read.probability);
    }
    troubles += 1;
    if (troubles >= limits.troubles)
      throw new StageFailure(
        `${client.called} gave no judgement ${troubles} times in a row; the last time: ${wordsOf(read)}`,
      );
    return read.kind === 'timed-out'
      ? {...verdict('timed-out'), why: `the judge took longer than ${timeout} ms`}
      : {...verdict('unparsable'), why: read.why};
  };

  return {
    called: client.called,
    async try(chat, signal) {
      const read = await ask(chat, TRIAL_PATIENCE, signal);
      if (read.kind === 'read')
        return read.probability > 0.5
          ? undefined
          : `${model} preferred a wrong answer to a right one when it was tried: its preferences may be worth little`;
      const tried = `${client.called} was asked a question to try it: ${wordsOf(read)}`;
      if (read.kind === 'timed-out' || (read.why !== NO_LOGPROBS && read.why !== NEITHER))
        throw new StageFailure(`${tried}. It is asked for log-probabilities (logprobs, top_logprobs)`);
      throw new StageFailure(
        read.why === NO_LOGPROBS
          ? `${tried}. A preference is read from those of its first token: name a judge whose server gives them ` +
              '(“logprobs” and “top_logprobs” of chat completions, as vLLM, SGLang and llama.cpp have them)'
          : `${tried}. Its first token has to be one of the two: name a judge that answers without thinking first`,
      );
    },
    async judge(chats, signal) {
      const verdicts = new Array<Verdict>(chats.length);
      const failures = await inParallel([...chats.entries()], {concurrency, signal}, async ([place, chat], giveUp) => {
        verdicts[place] = verdictOf(await ask(chat, limits.patience, giveUp));
      });
      if (signal.aborted) throw new Stopped();
      if (failures.length > 0) throw failures[0];
      return verdicts;
    },
    close: () => client.close(),
  };
}

/** The share of `m` in the probability of both, at the first token of the first choice. */
function preferenceIn(body: string): Read {
  const none = (why: string): Read => ({kind: 'none', why, words: shortened(body)});
  const read = jsonIn(body);
  if (read === undefined) return none('the judge’s answer is no JSON');
  const choice = fieldOf(fieldOf(read.value, 'choices'), '0');
  if (choice === undefined) return none('the judge’s answer is no chat completion');
  const likeliest = fieldOf(fieldOf(fieldOf(fieldOf(choice, 'logprobs'), 'content'), '0'), 'top_logprobs');
  if (!Array.isArray(likeliest) || likeliest.length === 0) return none(NO_LOGPROBS);
  const found = new Map(
    likeliest.flatMap((one: unknown) => {
      const [token, logprob] = [wordsIn(one, 'token'), fieldOf(one, 'logprob')];
      return token === undefined || typeof logprob !== 'number' ? [] : [[token, logprob] as const];
    }),
  );
  if (found.size === 0) return none(NO_LOGPROBS);
  const [first, second] = [found.get(FIRST), found.get(SECOND)];
  if (first === undefined && second === undefined)
    return {
      kind: 'none',
      why: NEITHER,
      words: shortened(`it said ${[...found.keys()].map((one) => `“${one}”`).join(', ')}`),
    };
  const gap = (second ?? -Infinity) - (first ?? -Infinity);
  return {kind: 'read', probability: 1 / (1 + Math.exp(gap))};
}
