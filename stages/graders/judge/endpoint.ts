/** One request to a judge: what its answer holds, or why there is no judgement. How a server is asked is in `../../endpoint/`. */
import {openClient, type Client, type Outcome, type ServerWords} from '../../endpoint/client.js';
import {fieldOf, jsonIn, wordsIn} from '../../endpoint/fields.js';
import {shortened} from '../../endpoint/printable.js';
import type {JudgeLimits} from './limits.js';

/** What came of one request. */
export type Said =
  /** The text of the first choice. */
  | {readonly kind: 'said'; readonly text: string}
  /** There was no judgement of this request; `why` is a function of the request as far as the server is one. */
  | {readonly kind: 'none'; readonly why: string; readonly words: string}
  | {readonly kind: 'timed-out'; readonly words: string};

export interface Endpoint extends Pick<Client, 'called' | 'close'> {
  /**
   * @param body of the request, JSON
   * @param options.patience how long failures that pass are waited for, ms
   * @throws {StageFailure} where the endpoint cannot be reached, or refuses whatever it is asked; {Stopped} once the signal is aborted
   */
  ask(body: string, options: {readonly patience: number; readonly signal: AbortSignal}): Promise<Said>;
}

/** Why there is no judgement where a limit of tokens ended the judge's answer. */
export const CUT_OFF = 'the judge’s answer was cut off';

/** What a person calls a judge, and where its settings are. */
export const JUDGE_WORDS: ServerWords = {
  at: 'the judge at',
  refuses: 'refuses to judge',
  url: 'R1_JUDGE_URL',
  key: 'JUDGE_API_KEY',
  model: 'judge.model',
};

/**
 * @param options.address the base of the endpoint, as `http://127.0.0.1:8000/v1`
 * @throws {StageFailure} where it is none
 */
export function openEndpoint(options: {
  readonly address: string;
  /** Sent as a bearer token, and written nowhere. */
  readonly key: string | undefined;
  /** Of one request, ms. */
  readonly timeout: number;
  readonly limits: JudgeLimits;
}): Endpoint {
  const client = openClient({...options, words: JUDGE_WORDS});
  return {
    called: client.called,
    close: () => client.close(),
    ask: async (body, {patience, signal}) => saidIn(await client.ask(body, {patience: () => patience, signal})),
  };
}

const saidIn = (outcome: Outcome): Said =>
  outcome.kind === 'answered' ? choiceIn(outcome.text) : unansweredIn(outcome);

/** Why there is no judgement where a request was not answered. */
export function unansweredIn(outcome: Exclude<Outcome, {kind: 'answered'}>): Exclude<Said, {kind: 'said'}> {
  switch (outcome.kind) {
    case 'too-long':
      return {kind: 'none', why: 'the judge’s answer is too long', words: outcome.words};
    case 'refused':
      return {kind: 'none', why: `the judge refused the request (${outcome.status})`, words: outcome.words};
    case 'timed-out':
      return outcome;
  }
}

/** The first choice of a chat completion. */
function choiceIn(body: string): Said {
  const none = (why: string): Said => ({kind: 'none', why, words: shortened(body)});
  const read = jsonIn(body);
  if (read === undefined) return none('the judge’s answer is no JSON');
  const choice = fieldOf(fieldOf(read.value, 'choices'), '0');
  const content = wordsIn(fieldOf(choice, 'message'), 'content');
  const end = wordsIn(choice, 'finish_reason');
  if (end === 'length') return none(CUT_OFF);
  if (end === 'content_filter') return none('the judge’s answer was filtered out');
  if (fieldOf(choice, 'message') === undefined) return none('the judge’s answer is no chat completion');
  if (content === undefined || content.trim() === '') return none('the judge’s answer has no content');
  return {kind: 'said', text: content};
}
