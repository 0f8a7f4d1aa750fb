/**
 * Who answers the prompts of a suite. Whatever comes, a model of this machine or another's behind an interface, is asked through one
 * function; the suite knows no more of it.
 */
import {StageFailure} from '../../pipeline/stage.js';
import type {ServedBy, Usage} from '../endpoint/served.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import type {TemplateName} from '../text/template-names.js';
import type {Wording} from '../text/wording.js';

/** What a suite may have said around its prompts; its solved examples stand in the prompts. */
export type Around = Omit<Wording, 'shots'>;

/** How prompts are asked. */
export interface Asking extends Around {
  readonly template: TemplateName;
  readonly samples: number;
  readonly temperature: number;
  readonly topP: number;
  /** The longest response, tokens. */
  readonly maxNewTokens: number;
  /** Of the draws. */
  readonly seed: number;
  /** Told how many are through: prompts of a model of this machine, answers of one at an endpoint, and the tokens of these. */
  readonly done: (through: number, total: number, tokens?: number) => void;
  /** Ends it; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** One response. */
export interface Answer {
  readonly completion: Completion;
  /** Sampled tokens, the end token included; of a model at an endpoint as the server counts, null where it does not. */
  readonly tokens: number | null;
  /** How it came about, of a model at an endpoint. */
  readonly served?: ServedBy;
}

export interface Answered {
  /** Prompt by prompt, in their order, `samples` each. */
  readonly answers: readonly (readonly Answer[])[];
  /** The longest response that there was room for, where that is less than was asked for. */
  readonly room?: number;
  /** What was counted over the answers of a model at an endpoint. */
  readonly usage?: Usage;
  /** In what it was not asked as it was to be, each as the end of “not comparable: …”. */
  readonly differs?: readonly string[];
}

/** Answers prompts. @throws {StageFailure} where it cannot */
export type AskModel = (prompts: readonly Prompt[], asking: Asking) => Promise<Answered>;

/** Responses in one native call, about: prompts go in chunks of as many as this makes, but of no more than there are, as chunks are filled up. */
const ROWS = 64;

/** Prompts of a chunk. */
export const chunkFor = (prompts: number, samples: number): number =>
  Math.max(1, Math.min(prompts, Math.floor(ROWS / samples)));

/**
 * A model in a folder, sampled on this machine. Equal prompts, settings and seeds give equal answers.
 *
 * @param model a Hugging Face folder
 */
export const localModel =
  (
    model: string,
    {threads, cores, note}: {readonly threads: number; readonly cores: number; readonly note: (text: string) => void},
  ): AskModel =>
  async (prompts, {template, samples, temperature, topP, maxNewTokens, seed, done, signal: stop, ...around}) => {
    const wording = {...around, shots: []};
    const [
      {withSampler},
      {drawGroups, fitting, loneSpace},
      {completionFrom, upTo},
      {openModel},
      {openGuardedTokenizer},
    ] = await Promise.all([
      import('../rollout/sample-from-model.js'),
      import('../rollout/sample-groups.js'),
      import('../text/drawn.js'),
      import('../model/hf-folder/index.js'),
      import('../text/guarded-tokenizer.js'),
    ]);
    const {config, weights, notes} = await openModel(model, stop);
    for (const text of notes) note(text);
    const tokenizer = await openGuardedTokenizer(model, stop === undefined ? {} : {signal: stop});
    for (const text of tokenizer.notes) note(text);
    try {
      const encoded = [];
      for (const prompt of prompts) {
        const tokens = await tokenizer.encodePrompt(template, [{role: 'user', content: prompt.question}], {
          asked: wording,
        });
        encoded.push({prompt, tokens});
      }
      const last = encoded[0]?.tokens.at(-1);
      if (last !== undefined) {
        const end = await tokenizer.decode([last], stop);
        const lone = loneSpace({decode: () => end}, wording, last);
        if (lone !== undefined) note(lone);
      }
      const longest = Math.max(...encoded.map(({tokens}) => tokens.length));
      const room = Math.min(maxNewTokens, config.maxPositions - longest);
      if (room < 1)
        throw new StageFailure(
          `the longest question has ${longest} tokens, the model has ${config.maxPositions} positions: there is no room for an answer`,
        );
      const fit = encoded.map(({prompt, tokens}) =>
        fitting(prompt, tokens, {template, limit: config.maxPositions - room}),
      );
      const drawn = await withSampler(
        {
          ...{config, weights, tokenizer, prompts: fit, samples, temperature, topP, threads, cores, note},
          maxNewTokens: room,
          chunk: chunkFor(prompts.length, samples),
          hasOwnChunk: true,
          key: {seed, purpose: 'suite'},
          done(through, total) {
            stop?.throwIfAborted();
            done(through, total);
          },
        },
        (sampler, drawing) =>
          untilStopped(
            drawGroups(sampler, fit, drawing, (one) => one),
            stop,
          ),
      );
      const answers: Answer[][] = [];
      for (const group of drawn) {
        const said: Answer[] = [];
        for (const drawn of group) {
          const read = await tokenizer.read(drawn, wording, stop);
          said.push({completion: completionFrom(read, wording), tokens: upTo(drawn, read).tokens.length});
        }
        answers.push(said);
      }
      return {answers, ...(room < maxNewTokens ? {room} : {})};
    } finally {
      await tokenizer.close();
    }
  };

/** What is waited for, unless a stop comes first: then nobody waits for a chunk that other processes are at. */
async function untilStopped<T>(work: Promise<T>, stop: AbortSignal | undefined): Promise<T> {
  if (stop === undefined) return work;
  let give: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    give = () => reject(stop.reason as Error);
    if (stop.aborted) give();
    else stop.addEventListener('abort', give, {once: true});
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    stop.removeEventListener('abort', give!);
    work.catch(() => undefined); // That the sampler was closed under it is what was asked for.
  }
}
