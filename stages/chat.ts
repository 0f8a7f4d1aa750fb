/**
 * Talking to a model artifact: a reply comes piece by piece, and sampled answers to a prompt file come scored. A library
 * for the command line; no stage, nothing is stored.
 */
import {setImmediate as turnOfOthers} from 'node:timers/promises';
import type {Sample, Score} from './evaluation/index.js';
import type {Prompt} from './tasks/prompt.js';
import {encodePrompt, renderChat} from './text/templates.js';
import type {Message, TemplateName} from './text/templates.js';
import {StageFailure} from '../pipeline/stage.js';
import {samplingUniforms} from './random.js';

export interface SamplingOptions {
  readonly seed: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  readonly maxTokens: number;
  readonly template: TemplateName;
  readonly threads: number;
}

export interface Chat {
  /**
   * The reply to a conversation, piece by piece as it is sampled. The same seed, turn and text give the same reply.
   * @throws {StageFailure} when the conversation no longer fits the model's positions.
   */
  reply(messages: readonly Message[], turn: number): AsyncGenerator<Piece, {tokens: number; finished: boolean}>;
  close(): void;
}

export interface Piece {
  readonly text: string;
  /** Of the reply so far, this piece included. */
  readonly tokens: number;
}

/** Tokens that one native call samples: few enough to feel like streaming. */
const PIECE = 8;

/** Opens a model folder for talking. Prompts are padded to powers of two, so that few programs are compiled. */
export async function openChat(model: string, options: SamplingOptions): Promise<Chat> {
  const [{openEngine, generation}, {openModel}, {openTokenizer}] = await Promise.all([
    import('./tensorflow/engine.js'),
    import('./model/folder.js'),
    import('./text/tokenizer.js'),
  ]);
  const {config, weights} = await openModel(model);
  const tokenizer = await openTokenizer(model);
  const longest = config.maxPositions - PIECE;
  const stopIds = [...new Set([tokenizer.eosId, ...config.eosIds])];
  const lengths = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768].filter((length) => length < longest);
  const engine = await openEngine({
    config,
    weights,
    threads: options.threads,
    programs: {
      piece: generation({
        prompts: 1,
        group: 1,
        promptLengths: [...lengths, longest],
        maxNewTokens: PIECE,
        temperature: options.temperature,
        topP: options.topP,
        topK: options.temperature === 0 ? 1 : 0,
        stopIds,
        padId: tokenizer.padId,
      }),
    },
  });
  // Compiles what the first reply needs, so that it starts as quickly as the others.
  engine.run.piece({prompts: [[tokenizer.eosId]], uniforms: new Float32Array(PIECE)});
  return {
    async *reply(messages, turn) {
      const last = messages.at(-1)!;
      const prompt =
        options.template === 'chat'
          ? tokenizer.encode(renderChat(tokenizer, messages))
          : encodePrompt(tokenizer, options.template, last.content);
      if (prompt.length > longest) {
        throw new StageFailure(
          `the conversation has ${prompt.length} tokens; this model has room for ${longest} and a reply`,
        );
      }
      const sampled: number[] = [];
      let text = '';
      let shown = '';
      let finished = false;
      const most = Math.min(options.maxTokens, config.maxPositions - prompt.length);
      while (!finished && sampled.length < most && prompt.length + sampled.length <= longest) {
        // A token's draw depends on its position in the reply, so pieces of any size give the same text.
        const from = sampled.length;
        const key = {seed: options.seed, purpose: 'chat', step: turn};
        const uniforms = samplingUniforms(key, [0], from + PIECE).slice(from);
        const [drawn] = engine.run.piece({prompts: [[...prompt, ...sampled]], uniforms});
        const tokens = drawn!.tokens.slice(0, most - from);
        finished = drawn!.finished && tokens.length === drawn!.tokens.length;
        sampled.push(...tokens.filter((token) => !stopIds.includes(token)));
        text = tokenizer.decode(sampled);
        // A character that is split over tokens decodes to U+FFFD until its last byte is there.
        if (text.startsWith(shown) && !text.endsWith('\uFFFD')) {
          yield {text: text.slice(shown.length), tokens: sampled.length};
          shown = text;
        }
        await turnOfOthers(); // lets the terminal draw and Ctrl-C through between pieces
      }
      if (text !== shown)
        yield {text: text.startsWith(shown) ? text.slice(shown.length) : text, tokens: sampled.length};
      return {tokens: sampled.length, finished};
    },
    close: () => engine.dispose(),
  };
}

/** Samples answers to prompts and scores them as the evaluate stage does. `done` is told how many prompts are through. */
export async function answerPrompts(
  model: string,
  prompts: readonly Prompt[],
  options: SamplingOptions & {
    readonly samples: number;
    readonly done: (through: number, total: number) => void;
    readonly note: (text: string) => void;
  },
): Promise<{samples: Sample[]; scores: Score[]}> {
  const [{sampleRows}, {judgeSample, scoreSamples}, {readConfig}] = await Promise.all([
    import('./curation.js'),
    import('./evaluation/index.js'),
    import('./model/folder.js'),
  ]);
  const {maxPositions} = await readConfig(model);
  const maxNewTokens = Math.min(options.maxTokens, Math.floor(maxPositions / 2));
  const {groups} = await sampleRows(prompts, {
    ...options,
    model,
    maxNewTokens,
    chunk: 8,
    cores: options.threads,
    key: {seed: options.seed, purpose: 'eval'},
  });
  const samples = groups.flatMap((group) =>
    group.map(({prompt, completion, sample, tokens}) =>
      judgeSample(prompt, completion, {sample, tokens: tokens.length}),
    ),
  );
  return {samples, scores: scoreSamples(samples, {k: options.samples, seed: options.seed})};
}
