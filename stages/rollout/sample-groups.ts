/**
 * Draws completions for prompts with a sampler. The unit of work is a fixed chunk of whole groups: prompts of like
 * length, padded to one bucket, so that a chunk's bytes depend on the chunk alone. Scoring is somebody else's job.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {samplingUniforms} from '../random.js';
import type {Sampler} from './sampler.js';
import type {Chunk, GenerationOptions} from '../engine/programs/generation.js';
import {encodePrompt} from '../text/templates.js';
import type {TemplateName} from '../text/templates.js';
import type {Tokenizer} from '../text/tokenizer.js';
import type {Completion} from '../text/completion.js';
import {completionFrom, readTokens, upTo, type Ends} from '../text/drawn.js';
import {thinkingTokens} from '../text/thinking-tokens.js';
import type {Wording} from '../text/wording.js';
import type {Prompt} from '../tasks/prompt.js';

/** One sampled completion. */
export interface Rollout {
  readonly prompt: Prompt;
  /** Which sample of its prompt, from 0. */
  readonly sample: number;
  readonly promptTokens: readonly number[];
  /** Sampled tokens, up to the end token or to the one that completes a text which ends the response; that one included. */
  readonly tokens: readonly number[];
  /** False when the length limit cut the completion off. */
  readonly finished: boolean;
  readonly completion: Completion;
  /** So many of `tokens` are thinking, the others the answer; absent where nobody who knows the tokenizer has counted them. */
  readonly thinking?: number;
  /** log p of each sampled token under the sampler, where they were asked for. */
  readonly logProbs?: readonly number[];
}

export interface EncodedPrompt {
  readonly prompt: Prompt;
  readonly tokens: readonly number[];
}

/**
 * Prompts as token ids under a template, with what is said around the questions, as far as what responses are made to begin with.
 *
 * @param note is told when the tokenizer does not know all of their words: a model reads such prompts, and learns little
 * @throws {StageFailure} when a prompt is longer than `limit` tokens.
 */
export function encodePrompts(
  prompts: readonly Prompt[],
  {
    tokenizer,
    template,
    shots = [],
    system = '',
    suffix = '',
    prefill = '',
    limit,
    note,
  }: Partial<Wording> & {
    readonly tokenizer: Tokenizer;
    readonly template: TemplateName;
    readonly limit: number;
    readonly note: (text: string) => void;
  },
): EncodedPrompt[] {
  const wording = {shots, system, suffix, prefill};
  const encoded = prompts.map((prompt) =>
    fitting(prompt, encodePrompt(tokenizer, template, prompt.question, wording), {template, limit}),
  );
  const lone = loneSpace(tokenizer, wording, encoded[0]?.tokens.at(-1));
  if (lone !== undefined) note(lone);
  const all = encoded.flatMap(({tokens}) => tokens);
  const unknown = all.filter((token) => token === tokenizer.unknownId).length;
  if (unknown > 0)
    note(
      `${unknown} of ${all.length} tokens of the prompts are unknown to the tokenizer; is “${template}” the right template?`,
    );
  return encoded;
}

/**
 * What to tell of a prefill whose last space is a token of its own, where words bring the space in front of them: models have rarely
 * seen a word behind such a token.
 */
export const loneSpace = (
  {decode}: Pick<Tokenizer, 'decode'>,
  {prefill}: Pick<Wording, 'prefill'>,
  last: number | undefined,
): string | undefined =>
  last !== undefined && prefill.endsWith(' ') && decode([last]) === ' '
    ? `prefill ends in a space, which is a token of its own here, as words bring theirs along: ${JSON.stringify(prefill.trimEnd())} may do better`
    : undefined;

/** A prompt with its tokens. @throws {StageFailure} when there are none, or more than `limit` */
export function fitting(
  prompt: Prompt,
  tokens: readonly number[],
  {template, limit}: {readonly template: TemplateName; readonly limit: number},
): EncodedPrompt {
  if (tokens.length === 0) {
    throw new StageFailure(`prompt ${prompt.id} has no tokens under the template “${template}”`);
  }
  if (tokens.length > limit) {
    throw new StageFailure(
      `prompt ${prompt.id} has ${tokens.length} tokens, the model takes ${limit} beside the response`,
    );
  }
  return {prompt, tokens};
}

/** What a model's sampler is opened with: a sample ends with any of its end tokens, the nucleus alone cuts the tail. */
export const samplingWith = (
  {endIds, padId}: Pick<Tokenizer, 'endIds' | 'padId'>,
  options: Omit<GenerationOptions, 'topK' | 'stopIds' | 'padId' | 'of'>,
): GenerationOptions => ({...options, topK: 0, stopIds: [...endIds], padId});

export interface Drawing {
  readonly group: number;
  /** Prompts in one native call. */
  readonly chunk: number;
  readonly maxNewTokens: number;
  /** What the draws depend on besides prompt number, sample and position. */
  readonly key: {readonly seed: number; readonly purpose: string; readonly step?: number};
  /** Whether the log-probabilities under the sampler are wanted. */
  readonly withLogProbs?: boolean;
  /** Called with the number of prompts that are through. */
  readonly done?: (prompts: number) => void;
}

/**
 * `group` samples of every prompt with their texts, prompt by prompt in the given order.
 *
 * @param options.prefill what the prompts end with and belongs to the completion when it is judged
 * @param options.stop texts that end a response; what was drawn behind them is dropped
 */
export async function sampleGroups(
  sampler: Sampler,
  prompts: readonly EncodedPrompt[],
  {tokenizer, prefill = '', stop = [], ...drawing}: Drawing & Partial<Ends> & {readonly tokenizer: Tokenizer},
): Promise<Rollout[][]> {
  const ends = {prefill, stop};
  return drawGroups(sampler, prompts, drawing, (drawn) => {
    const read = readTokens(tokenizer, drawn, ends);
    const counted = upTo(drawn, read);
    const thinking = thinkingTokens({tokens: counted.tokens, text: read.text}, tokenizer);
    return {...counted, completion: completionFrom(read, ends), thinking};
  });
}

/** A sampled completion whose text nobody has looked at. */
export type Drawn = Omit<Rollout, 'completion' | 'thinking'>;

/** The same, where `read` says what becomes of a completion. */
export async function drawGroups<T>(
  sampler: Sampler,
  prompts: readonly EncodedPrompt[],
  {group, chunk, maxNewTokens, key, withLogProbs = false, done}: Drawing,
  read: (drawn: Drawn) => T,
): Promise<T[][]> {
  const order = prompts
    .map((_, index) => index)
    .sort((a, b) => prompts[a]!.tokens.length - prompts[b]!.tokens.length || a - b);
  const groups = new Array<T[]>(prompts.length);
  const membersOf = (place: number): number[] => order.slice(place * chunk, (place + 1) * chunk);
  /** Made when one is asked for: the uniforms of all would be much to hold. */
  function* chunks(): Generator<Chunk> {
    for (let place = 0; place * chunk < order.length; place++) {
      const members = membersOf(place);
      const samples = members.flatMap((index) => Array.from({length: group}, (_, sample) => index * group + sample));
      yield {
        prompts: members.map((index) => prompts[index]!.tokens),
        uniforms: samplingUniforms(key, samples, maxNewTokens),
      };
    }
  }
  let through = 0;
  await sampler.generate(chunks(), (at, drawn) => {
    const members = membersOf(at);
    members.forEach((index, place) => {
      const {prompt, tokens: promptTokens} = prompts[index]!;
      groups[index] = Array.from({length: group}, (_, sample) => {
        const {tokens, finished, logProbs} = drawn[place * group + sample]!;
        return read({prompt, sample, promptTokens, tokens, finished, ...(withLogProbs ? {logProbs} : {})});
      });
    });
    through += members.length;
    done?.(through);
  });
  return groups;
}
