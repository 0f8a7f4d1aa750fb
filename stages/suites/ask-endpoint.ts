/** A model at an OpenAI-compatible endpoint as the one who answers the prompts of a suite. */
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import type {Checkpoints} from '../../pipeline/stage.js';
import type {RequestFields} from '../endpoint/params.js';
import type {Server} from '../endpoint/server.js';
import type {AskModel, Asking} from './ask.js';

/** How a model at an endpoint is asked, beside what the suite says. */
export interface EndpointModel {
  /** The model, as the server calls it. */
  readonly endpoint: string;
  /** Fields of each request beside temperature, top_p, max_tokens and seed; null leaves one out. */
  readonly endpointRequest: RequestFields;
  /** Where answers are kept on the way: what is there is not asked for again. */
  readonly checkpoints: Checkpoints;
  readonly note: (text: string) => void;
}

/** Fields of a request by which it is sampled as a suite says → what a reader of the scores calls them. */
const SAMPLED: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'top-p',
  max_tokens: 'tokens a response',
};

/**
 * A model at an endpoint. It has a template of its own, so a suite that asks under another than `chat` is refused; it is told the seed,
 * and may answer otherwise each time nonetheless.
 *
 * @throws {StageFailure} from the asking, where the server cannot be asked, refuses, or does not answer in a form that can be read
 */
export const endpointModel =
  (server: Server, {endpoint, endpointRequest, checkpoints, note}: EndpointModel): AskModel =>
  async (prompts, {template, seed, done, signal, prefill, ...sampling}) => {
    if (template !== 'chat')
      throw new StageFailure(
        `the suite asks under the template ${template}, and an endpoint has the template of its model: ` +
          'leave “ask.template” out of the suite',
      );
    if (prefill !== '')
      throw new StageFailure(
        'the suite says what a response begins with, and an endpoint begins its answers itself: leave “ask.prefill” out of the suite, ' +
          'or put it into “ask.prompt”',
      );
    const {openAnswering} = await import('../endpoint/answer-prompts.js');
    try {
      const answering = await openAnswering(server, {checkpoints, signal, done, note});
      const {groups, usage} = await answering
        .answer(prompts, {endpoint, endpointRequest, ...sampling, key: {seed, purpose: 'suite'}})
        .finally(() => answering.close());
      return {
        answers: groups.map((group) =>
          group.map(({completion, served}) => ({completion, tokens: served.tokens ?? null, served})),
        ),
        usage,
        differs: unsaid(endpointRequest, sampling),
      };
    } catch (error) {
      throw error instanceof Stopped && signal?.aborted === true ? signal.reason : error;
    }
  };

/** What the server was not told, and so decided for itself. */
const unsaid = (request: RequestFields, {maxNewTokens}: Pick<Asking, 'maxNewTokens'>): string[] =>
  Object.entries(SAMPLED)
    .filter(([field]) => request[field] === null)
    // The same by the name that newer services have for it.
    .filter(([field]) => field !== 'max_tokens' || request['max_completion_tokens'] !== maxNewTokens)
    .map(([, what]) => `${what}: left to the server`);
