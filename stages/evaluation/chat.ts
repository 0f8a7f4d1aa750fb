/**
 * Talking to a model artifact: a reply comes piece by piece, and sampled answers to a prompt file come scored. A library
 * for the command line; no stage, nothing is stored.
 */
import {setImmediate as turnOfOthers} from 'node:timers/promises';
import type {Sample, Score} from './index.js';
import type {EncodedPrompt, Rollout} from '../rollout/sample-groups.js';
import type {ChoiceScores} from './choice-params.js';
import type {JudgeParam} from '../graders/judge-settings.js';
import {askingMistakes, type Extraction} from '../tasks/asking.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Message, TemplateName} from '../text/templates.js';
import type {SandboxKind} from '../sandbox/names.js';
import {NO_WORDING, type Wording} from '../text/wording.js';
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import {samplingUniforms} from '../random.js';

export interface SamplingOptions extends Partial<Wording> {
  readonly seed: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  readonly maxTokens: number;
  readonly template: TemplateName;
  readonly threads: number;
  /** Whether control tokens that are typed into a question count as such; by default they are text. */
  readonly specialInPrompts?: boolean;
  /** Told what a person should hear of the model, one line each. */
  readonly note: (text: string) => void;
}

export interface Chat {
  /**
   * The reply to a conversation, piece by piece as it is sampled. The same seed, turn and text give the same reply. When
   * `signal` is aborted it ends with what there is.
   * @throws {StageFailure} when the conversation no longer fits the model's positions, or its template or tokenizer fails.
   */
  reply(
    messages: readonly Message[],
    turn: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Piece, {tokens: number; finished: boolean}>;
  close(): Promise<void>;
}

export interface Piece {
  readonly text: string;
  /** Of the reply so far, this piece included. */
  readonly tokens: number;
}

/** Tokens that one native call draws: few enough to feel like streaming. */
const PIECE = 8;

/** Tokens of a conversation that one native call reads. What it is filled up with costs as much as tokens. */
const BLOCK = 32;

/**
 * Opens a model folder for talking.
 * @param stop ends the opening, which then rejects with its reason
 */
export async function openChat(model: string, options: SamplingOptions, stop?: AbortSignal): Promise<Chat> {
  const [{openEngine}, {conversation}, {openModel}, {handOver}, {openGuardedTokenizer}, {begunStop}] =
    await Promise.all([
      import('../engine/engine.js'),
      import('../engine/programs/conversation.js'),
      import('../model/hf-folder/index.js'),
      import('../model/parameters.js'),
      import('../text/guarded-tokenizer.js'),
      import('../text/drawn.js'),
    ]);
  const {config, weights, notes} = await openModel(model, stop);
  for (const text of notes) options.note(text);
  const tokenizer = await openGuardedTokenizer(model, {...options, ...(stop !== undefined && {signal: stop})});
  for (const one of tokenizer.notes) options.note(one);
  const longest = config.maxPositions - PIECE;
  const stopIds = [...tokenizer.endIds];
  const engine = await openEngine({
    config,
    weights: handOver(weights),
    threads: options.threads,
    silentStart: true,
    programs: {
      talk: conversation({
        block: BLOCK,
        piece: PIECE,
        temperature: options.temperature,
        topP: options.topP,
        topK: options.temperature === 0 ? 1 : 0,
        stopIds,
        padId: tokenizer.padId,
      }),
    },
  });
  const {talk} = engine.run;
  const wording = wordingOf(options);
  // Compiles what a reply needs, so that the first one starts as quickly as the others.
  while (talk.read([tokenizer.eosId, tokenizer.eosId]));
  talk.speak(new Float32Array(PIECE));
  return {
    async *reply(messages, turn, signal) {
      const sampled: number[] = [];
      let finished = false;
      try {
        const prompt = await tokenizer.encodePrompt(options.template, messages, {asked: wording, signal});
        if (prompt.length === 0) {
          throw new StageFailure(`there is nothing to ask: no tokens under the template “${options.template}”`);
        }
        if (prompt.length > longest) {
          throw new StageFailure(
            `the conversation has ${prompt.length} tokens; this model has room for ${longest} and a reply`,
          );
        }
        let text = '';
        let shown = '';
        const most = Math.min(options.maxTokens, config.maxPositions - prompt.length);
        while (talk.read(prompt)) {
          await turnOfOthers(); // lets Ctrl-C through between blocks
          signal?.throwIfAborted();
        }
        while (!finished && sampled.length < most && prompt.length + sampled.length <= longest) {
          // A token's draw depends on its position in the reply, so pieces of any size give the same text.
          const from = sampled.length;
          const key = {seed: options.seed, purpose: 'chat', step: turn};
          const uniforms = samplingUniforms(key, [0], from + PIECE).slice(from);
          const drawn = talk.speak(uniforms);
          const tokens = drawn.slice(0, most - from);
          finished = tokens.some((token) => stopIds.includes(token));
          sampled.push(...tokens.filter((token) => !stopIds.includes(token)));
          const read = await tokenizer.read({promptTokens: prompt, tokens: sampled, finished}, wording, signal);
          text = read.text;
          finished = read.finished;
          sampled.length = Math.min(sampled.length, read.count);
          // What may be the beginning of a text that ends the reply is shown once it is known not to be.
          const safe = finished ? text : text.slice(0, text.length - begunStop(text, wording.stop));
          // A character that is split over tokens decodes to U+FFFD until its last byte is there.
          if (safe.startsWith(shown) && !safe.endsWith('\uFFFD')) {
            yield {text: safe.slice(shown.length), tokens: sampled.length};
            shown = safe;
          }
          await turnOfOthers(); // lets the terminal draw and Ctrl-C through between pieces
        }
        if (text !== shown)
          yield {text: text.startsWith(shown) ? text.slice(shown.length) : text, tokens: sampled.length};
      } catch (error) {
        if (signal?.aborted !== true || error !== signal.reason) throw error;
        finished = false;
      }
      return {tokens: sampled.length, finished};
    },
    async close() {
      engine.dispose();
      await tokenizer.close();
    },
  };
}

const wordingOf = ({shots = [], system = '', suffix = '', prefill = '', stop = []}: Partial<Wording>): Wording => ({
  ...NO_WORDING,
  ...{shots, system, suffix, prefill, stop},
});

/** Samples answers to prompts and scores them as the evaluate stage does. `done` is called with the number of prompts that are through. */
export async function answerPrompts(
  model: string,
  prompts: readonly Prompt[],
  options: SamplingOptions & {
    readonly samples: number;
    /** How programs are contained that answers may be; bubblewrap unless given. */
    readonly sandbox?: SandboxKind;
    readonly done: (through: number, total: number) => void;
    /** Who judges answers by a rubric. */
    readonly judge?: JudgeParam | undefined;
    /** Whether choices are scored by log-probability, too, and how. */
    readonly choiceScores?: ChoiceScores;
    /** Where answers are looked for, as their task does unless given. */
    readonly extraction?: Extraction;
    /** Ends it; it then rejects with the signal's reason. */
    readonly signal?: AbortSignal;
  },
): Promise<{samples: Sample[]; scores: Score[]}> {
  const [
    {withSampler},
    {drawGroups, fitting, loneSpace},
    {completionFrom, upTo},
    {judgeRollouts, outcomeCounts, scoreChoices, scoreSamples},
    {openModel},
    {checkReferences, prepareGraders},
    {builtInTasks},
    text,
  ] = await Promise.all([
    import('../rollout/sample-from-model.js'),
    import('../rollout/sample-groups.js'),
    import('../text/drawn.js'),
    import('./index.js'),
    import('../model/hf-folder/index.js'),
    import('../graders/registry.js'),
    import('../tasks/built-in.js'),
    import('../text/guarded-tokenizer.js'),
  ]);
  const {signal, template, seed, sandbox, judge, extraction = 'task', choiceScores: by = 'none'} = options;
  const wording = wordingOf(options);
  if (prompts.length === 0) throw new StageFailure('there are no prompts');
  const [mistake] = askingMistakes({...wording, extraction, template});
  if (mistake !== undefined) throw new StageFailure(mistake);
  const grading = {cores: options.threads, sandbox, judge, extraction, note: options.note};
  await prepareGraders(prompts, grading);
  await checkReferences(prompts, grading);
  const choices =
    by === 'none' ? undefined : await scoreChoices(model, prompts, {...options, by, done: () => undefined});
  const {config, weights, notes} = await openModel(model, signal);
  for (const one of notes) options.note(one);
  const tokenizer = await text.openGuardedTokenizer(model, {...options, ...(signal !== undefined && {signal})});
  for (const one of tokenizer.notes) options.note(one);
  try {
    const maxNewTokens = Math.min(options.maxTokens, Math.floor(config.maxPositions / 2));
    const limit = config.maxPositions - maxNewTokens;
    const encoded: EncodedPrompt[] = [];
    for (const prompt of prompts) {
      const asked = [{role: 'user', content: prompt.question}] as const;
      const tokens = await tokenizer.encodePrompt(template, asked, {asked: wording});
      encoded.push(fitting(prompt, tokens, {template, limit}));
    }
    const last = encoded[0]!.tokens.at(-1)!;
    const end = await tokenizer.decode([last]);
    const lone = loneSpace({decode: () => end}, wording, last);
    if (lone !== undefined) options.note(lone);
    const drawn = await withSampler(
      {
        ...options,
        ...{config, weights, tokenizer, maxNewTokens, prompts: encoded},
        chunk: 8,
        hasOwnChunk: true,
        cores: options.threads,
        key: {seed, purpose: 'eval'},
      },
      (sampler, drawing) => drawGroups(sampler, encoded, drawing, (each) => each),
    );
    const rollouts: Rollout[] = [];
    for (const one of drawn.flat()) {
      const read = await tokenizer.read(one, wording, signal);
      rollouts.push({...upTo(one, read), completion: completionFrom(read, wording)});
    }
    const samples = await judgeRollouts(rollouts, {
      tasks: builtInTasks,
      choices,
      signal,
      stopAfterMs: 0,
      grading: {sandbox, judge, extraction},
      cores: options.threads,
      note: options.note,
    }).catch((error: unknown) => {
      throw error instanceof Stopped ? signal?.reason : error;
    });
    const counted = outcomeCounts(samples, extraction);
    if (counted !== undefined) options.note(counted);
    return {samples, scores: scoreSamples(samples, {k: options.samples})};
  } finally {
    await tokenizer.close();
  }
}
