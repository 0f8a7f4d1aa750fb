/** Prompts, and a server at the address of one, with waits that a test can afford. */
import type {TestContext} from 'node:test';
import {openAnswering, type Answered, type Asking} from '../../../stages/endpoint/answer-prompts.js';
import {ANSWER_LIMITS, type AnswerLimits} from '../../../stages/endpoint/limits.js';
import {openServer, wordsFor, type Price} from '../../../stages/endpoint/server.js';
import type {Checkpoints} from '../../../pipeline/stage.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import type {AnsweringServer} from './server.js';

export const prompt = (id: string, more: Partial<Prompt> = {}): Prompt => ({
  ...{id, from: [], task: 'integer', key: id, question: `Question ${id}?`, answer: '4'},
  ...more,
});

/** Waits that a test can afford. */
export const QUICK: AnswerLimits = {
  ...ANSWER_LIMITS,
  ...{firstWait: 5, longestWait: 20, patience: 400, firstPatience: 100, refusals: 4},
};

export const ASKING: Asking = {
  ...{endpoint: 'm', endpointRequest: {}, samples: 1, temperature: 0.6, topP: 0.95, maxNewTokens: 64},
  key: {seed: 0, purpose: 'test'},
};

export interface Heard extends Answered {
  readonly notes: readonly string[];
}

interface Options {
  readonly key?: string;
  readonly limits?: Partial<AnswerLimits>;
  readonly timeout?: number;
  readonly concurrency?: number;
  readonly price?: Price;
  readonly checkpoints?: Checkpoints;
  readonly signal?: AbortSignal;
  readonly notes?: string[];
  readonly done?: (answers: number, total: number, tokens: number) => void;
}

/** Asks a server for answers to prompts. */
export async function answersOf(
  t: TestContext,
  {url}: Pick<AnsweringServer, 'url'>,
  prompts: readonly Prompt[],
  asking: Partial<Asking> = {},
  options: Options = {},
): Promise<Heard> {
  const {key, limits, timeout = 10_000, concurrency = 4, price, checkpoints, signal, notes = [], done} = options;
  const words = wordsFor({
    url: 'R1_X_URL',
    key: 'X_API_KEY',
    model: 'endpoint',
    timeout: 'R1_X_TIMEOUT',
    request: 'endpointRequest',
  });
  const server = openServer({address: url, key, concurrency, timeout, price, words}, {...QUICK, ...limits});
  const answering = await openAnswering(server, {
    ...{signal, done: done ?? (() => undefined), note: (text) => void notes.push(text)},
    ...(checkpoints === undefined ? {} : {checkpoints}),
  });
  t.after(() => answering.close());
  return {...(await answering.answer(prompts, {...ASKING, ...asking})), notes};
}
