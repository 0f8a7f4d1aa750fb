/** From stored responses to answers behind forced thinking: which responses can be cut, what is forced on each, and the sampling. */
import {StageFailure} from '../../pipeline/stage.js';
import {drawGroups, fitting, type EncodedPrompt, type Rollout} from '../rollout/sample-groups.js';
import {withSampler} from '../rollout/sample-from-model.js';
import type {Prompt} from '../tasks/prompt.js';
import {isCheckable, taskOf, type Tasks} from '../tasks/task.js';
import {completionFrom, readTokens, upTo} from '../text/drawn.js';
import {encodePrompt, type Asked, type TemplateName} from '../text/templates.js';
import type {Tokenizer} from '../text/tokenizer.js';
import type {Sample} from './sample.js';
import {donorsFor, forcedThinking, thinkingOf, type ForcedThinking, type StoredResponse} from './forced-thinking.js';

/** A response that can be cut, with what was asked. */
export interface AskedResponse extends StoredResponse {
  readonly prompt: Prompt;
}

/** A response with its thinking in every condition, and as tokens with the question before it. */
export interface ForcedResponse {
  readonly response: AskedResponse;
  /** Whose thinking it is given in the condition `other`. */
  readonly donor: StoredResponse;
  readonly forms: readonly (ForcedThinking & {readonly tokens: readonly number[]})[];
}

/**
 * The first `samples` responses to each problem with an answer (all at 0) that have thinking in the format and were not cut off.
 *
 * @param options.leaveOut told why, for each of the others
 * @throws {StageFailure} where a response is to a prompt that is not among these
 */
export function cuttable(
  stored: readonly Sample[],
  prompts: readonly Prompt[],
  {samples, tasks, leaveOut}: {readonly samples: number; readonly tasks: Tasks; leaveOut(why: string): void},
): AskedResponse[] {
  const promptOf = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  return stored.flatMap((sample): AskedResponse[] => {
    if (sample.outcome === 'left-out' || (samples > 0 && sample.sample >= samples)) return [];
    const prompt = promptOf.get(sample.prompt);
    if (prompt === undefined || !isCheckable(tasks, prompt))
      throw new StageFailure(`the scores are of other prompts: there is no problem “${sample.prompt}” among these`);
    const thinking = sample.truncated ? undefined : thinkingOf(sample.text, taskOf(tasks, prompt));
    if (thinking !== undefined) return [{prompt, sample, thinking}];
    leaveOut('no thinking in the format');
    return [];
  });
}

/**
 * Forces thinking on each response in every condition, or leaves it out of all: every condition is measured on the same responses.
 *
 * @param options.limit tokens of question and forced thinking, at the most
 */
export function forceAll(
  responses: readonly AskedResponse[],
  {
    seed,
    template,
    tokenizer,
    limit,
    leaveOut,
    ...options
  }: Pick<Asked, 'shots' | 'system' | 'suffix'> & {
    readonly shares: readonly number[];
    readonly filler: string;
    readonly seed: number;
    readonly template: TemplateName;
    readonly tokenizer: Tokenizer;
    readonly limit: number;
    leaveOut(why: string): void;
  },
): ForcedResponse[] {
  const {shots, system, suffix} = options;
  const donors = donorsFor(responses, seed);
  return responses.flatMap((response): ForcedResponse[] => {
    const donor = donors.get(response);
    if (donor === undefined) {
      leaveOut('no other problem of its level and language');
      return [];
    }
    const {question} = response.prompt;
    const forms = forcedThinking(response, donor, options).map((form) => ({
      ...form,
      tokens: encodePrompt(tokenizer, template, question, {shots, system, suffix, prefill: form.prefill}),
    }));
    if (forms.every(({tokens}) => tokens.length <= limit)) return [{response, donor, forms}];
    leaveOut('no room for the answer');
    return [];
  });
}

/**
 * One answer to each response in each condition, condition by condition, each with the responses in their order. A response has the
 * same draws in all conditions.
 */
export async function answerForced(
  jobs: readonly ForcedResponse[],
  {
    template,
    stop,
    limit,
    done,
    ...options
  }: Omit<Parameters<typeof withSampler>[0], 'prompts' | 'samples' | 'tokenizer'> & {
    readonly template: TemplateName;
    readonly tokenizer: Tokenizer;
    readonly stop: readonly string[];
    readonly limit: number;
  },
): Promise<Rollout[]> {
  const {tokenizer, note} = options;
  const conditions = jobs[0]!.forms.map((_, place) =>
    // A copy of the prompt for each, as a problem is answered once for each of its responses.
    jobs.map(({response, forms}) => ({...fitting({...response.prompt}, forms[place]!.tokens, {template, limit})})),
  );
  const all: EncodedPrompt[] = conditions.flat();
  const unknown = all.reduce((sum, {tokens}) => sum + tokens.filter((id) => id === tokenizer.unknownId).length, 0);
  if (unknown > 0)
    note(`${unknown} tokens of what is asked are unknown to the tokenizer; is the filler among its words?`);
  return withSampler({...options, samples: 1, prompts: all, done}, async (sampler, drawing) => {
    const answers: Rollout[] = [];
    for (const [place, prompts] of conditions.entries()) {
      const prefillOf = new Map(prompts.map(({prompt}, index) => [prompt, jobs[index]!.forms[place]!.prefill]));
      const groups = await drawGroups(
        sampler,
        prompts,
        {...drawing, done: (count) => done(place * jobs.length + count, all.length)},
        (drawn): Rollout => {
          const ends = {prefill: prefillOf.get(drawn.prompt)!, stop};
          const read = readTokens(tokenizer, drawn, ends);
          return {...upTo(drawn, read), completion: completionFrom(read, ends)};
        },
      );
      answers.push(...groups.flat());
    }
    return answers;
  });
}
