/**
 * The program of a conversation, whose keys and values stay in the session: a turn reads what is new, and a piece of a reply reads
 * one token for each that it draws.
 *
 * A reply depends on its prompt alone, not on what the session holds of it. So a prompt is read in blocks that begin at multiples
 * of a fixed length, and only what was read in this way serves another turn: a reply that was drawn is read once more, in blocks,
 * as a part of the next prompt, since a token that is read alone differs in its last bits from one that is read in a block.
 */
import type {LayerCache} from '../../model/kv-cache.js';
import {rotationTable} from '../../model/attention.js';
import {readBlock, speak} from '../../model/conversation.js';
import type {Past} from '../../model/conversation.js';
import type {Sampling} from '../../model/pick-token.js';
import type {Parameters} from '../../model/transformer.js';
import {raw} from '../../tensorflow/ops.js';
import {rotationWidth} from '../../model/transformer.js';
import {DataType} from '../../tensorflow/backend.js';
import type {Output} from '../../tensorflow/graph.js';
import type {Feed} from '../../tensorflow/session.js';
import type {Program, ProgramContext} from '../program.js';
import {placeholders, recordInto} from '../program.js';
import type {Placeholders} from '../program.js';
import type {Variable} from '../variables.js';
import {assignAll, clearAll, declareVariables} from '../variables.js';

export interface ConversationOptions extends Sampling {
  /** Tokens that one call reads, and that one draws. */
  readonly block: number;
  readonly piece: number;
  /** A reply ends with the first of these. */
  readonly stopIds: readonly number[];
  /** What a block is filled up with. Attention never sees it. */
  readonly padId: number;
}

export interface Conversation {
  /**
   * Reads the next block of a prompt that has not been read, the last token of it left out: that one is read by `speak`. What was read
   * before and does not belong to it is forgotten. False when there was nothing left to read.
   */
  read(prompt: readonly number[]): boolean;
  /**
   * Draws on from where the prompt, or the last piece, has ended. To be called when the prompt has been read, and not after a stop
   * token.
   * @param uniforms one for each token of a piece
   * @returns at most a piece; the stop token is the last one where it came
   */
  speak(uniforms: Float32Array): number[];
}

/** Of a slot without a token: later than any position. */
const NOWHERE = 2 ** 31 - 1;

/** @throws {Error} when it is called: `speak` before the prompt was read */
export const conversation = (options: ConversationOptions): Program<Conversation> => ({
  batch: {rows: 1},
  declare(context, name) {
    const {block, piece, padId} = options;
    const {run} = context;
    const programs = context.graph.inScope(name, () => declarePrograms(context, options));

    /** The tokens of each block that was read, in order; only the last may have fewer than `block`. */
    let blocks: (readonly number[])[] = [];
    /** Positions of all slots. */
    let positions: number[] = [];
    /** What `speak` goes on from. */
    let newest: {readonly token: number; readonly position: number} | undefined;
    let isClear = false;

    const past = (): Feed => vectorFeed(programs.positions, Int32Array.from(positions));
    const from = (start: number, count: number): number[] => Array.from({length: count}, (_, i) => start + i);
    const rotations = (start: number, count: number): Float32Array => rotationTable(context.config, count, start);
    const keep = (count: number): void => {
      if (count === positions.length) return;
      run(`${name}/keep`, [vectorFeed(programs.kept, Int32Array.from(from(0, count)))], [programs.keep]);
      positions = positions.slice(0, count);
    };

    return {
      read(prompt) {
        if (prompt.length === 0) throw new Error(`Internal error: ${name} is asked to reply to nothing`);
        if (!isClear) run(`${name}/clear`, [], [programs.clear]);
        isClear = true;
        const wanted = (at: number): readonly number[] =>
          prompt.slice(at * block, Math.min((at + 1) * block, prompt.length - 1));
        const same = blocks.findIndex((tokens, at) => !isEqual(tokens, wanted(at)));
        if (same !== -1) blocks = blocks.slice(0, same);
        keep(blocks.length * block);
        newest = {token: prompt.at(-1)!, position: prompt.length - 1};
        const next = wanted(blocks.length);
        if (next.length === 0) return false;
        const start = blocks.length * block;
        const at = from(start, block);
        const feeds: Feed[] = [
          {placeholder: programs.read.inputs['tokens']!, values: Int32Array.from(at, (_, i) => next[i] ?? padId)},
          {placeholder: programs.read.inputs['positions']!, values: Int32Array.from(at)},
          {placeholder: programs.read.inputs['rotation']!, values: rotations(start, block)},
          past(),
        ];
        run(`${name}/read`, feeds, [programs.read.done]);
        blocks = [...blocks, next];
        positions.push(...at.map((position, i) => (i < next.length ? position : NOWHERE)));
        return true;
      },
      speak(uniforms) {
        if (newest === undefined) throw new Error(`Internal error: ${name} is to speak before it has read`);
        const at = from(newest.position, piece);
        const {inputs, done, tokens} = programs.speak;
        const feeds: Feed[] = [
          {placeholder: inputs['token']!, values: Int32Array.of(newest.token)},
          {placeholder: inputs['positions']!, values: Int32Array.from(at)},
          {placeholder: inputs['rotation']!, values: rotations(newest.position, piece)},
          {placeholder: inputs['uniforms']!, values: uniforms},
          past(),
        ];
        const [drawn] = run(`${name}/speak`, feeds, [tokens, done]);
        const spoken = Array.from(drawn!.values);
        positions.push(...at.slice(0, spoken.length));
        newest = {token: spoken.at(-1)!, position: newest.position + spoken.length};
        return spoken;
      },
    };
  },
});

interface Programs {
  /** Positions of what is there. */
  readonly positions: Output;
  /** Which slots `keep` keeps. */
  readonly kept: Output;
  readonly keep: Output;
  readonly clear: Output;
  readonly read: {readonly inputs: Placeholders; readonly done: Output};
  readonly speak: {readonly inputs: Placeholders; readonly tokens: Output; readonly done: Output};
}

function declarePrograms(context: ProgramContext, options: ConversationOptions): Programs {
  const {graph, config} = context;
  const {block, piece} = options;
  const {keyValueHeads: kv, headDim} = config;
  const shape = [kv, -1, headDim];
  const names = Array.from({length: config.layers}, (_, layer) => [`keys${layer}`, `values${layer}`]).flat();
  const variables = declareVariables(
    graph,
    'conversation',
    names.map((name) => ({name, shape})),
  );
  const positions = graph.placeholder('past', DataType.int32, [-1]);
  const kept = graph.placeholder('kept', DataType.int32, [-1]);
  const stored: Placeholders = Object.fromEntries(variables.map(({name, read}) => [name, read]));
  const width = rotationWidth(config);
  const int = (shape: readonly number[]) => ({dtype: DataType.int32, shape});
  const float = (shape: readonly number[]) => ({dtype: DataType.float, shape});

  const store = (caches: Readonly<Record<string, Output>>): Output =>
    assignAll(
      graph,
      variables,
      names.map((name) => caches[name]!),
    );
  const asPast = (given: Parameters): Past => ({
    caches: Array.from({length: config.layers}, (_, layer) => ({
      keys: given[`keys${layer}`]!,
      values: given[`values${layer}`]!,
    })),
    positions: given['past']!,
  });
  const byName = (caches: readonly LayerCache[]) =>
    Object.fromEntries(
      caches.flatMap(({keys, values}, layer) => [[`keys${layer}`, keys] as const, [`values${layer}`, values] as const]),
    );

  const read = graph.inScope('read', () => {
    const inputs = placeholders(graph, {
      tokens: int([block]),
      positions: int([block]),
      rotation: float([block, width]),
    });
    const caches = recordInto(
      context,
      'policy',
      {...inputs, ...stored, past: positions},
      (weights, given) => {
        const next = {tokens: given['tokens']!, positions: given['positions']!, rotation: given['rotation']!};
        return byName(readBlock(weights, next, asPast(given), config, block));
      },
      'f32',
    );
    return {inputs, done: store(caches)};
  });
  const speaking = graph.inScope('speak', () => {
    const inputs = placeholders(graph, {
      token: int([1]),
      positions: int([piece]),
      rotation: float([piece, width]),
      uniforms: float([piece]),
    });
    const {tokens, ...caches} = recordInto(
      context,
      'policy',
      {...inputs, ...stored, past: positions},
      (weights, given) => {
        const {token, positions, rotation, uniforms} = given;
        const next = {token: token!, positions: positions!, rotation: rotation!, uniforms: uniforms!};
        const {tokens, caches} = speak(weights, next, asPast(given), config, piece, options);
        return {tokens, ...byName(caches)};
      },
      'f32',
    );
    return {inputs, tokens: tokens, done: store(caches)};
  });
  const keep = graph.inScope('keep', () => {
    const caches = recordInto(context, 'policy', {...stored, kept}, (_, {kept, ...given}) =>
      Object.fromEntries(names.map((name) => [name, raw.gather(given[name]!, kept!, 1)])),
    );
    return store(caches);
  });
  const clear = graph.inScope('clear', () => clearAll(graph, emptied(variables)));
  return {positions, kept, keep, clear, read, speak: speaking};
}

/** The variables as they are before anything was read. */
const emptied = (variables: readonly Variable[]): Variable[] =>
  variables.map((variable) => ({...variable, shape: variable.shape.map((size) => Math.max(0, size))}));

/** A vector whose length the graph does not know. */
const vectorFeed = (placeholder: Output, values: Int32Array): Feed => ({
  placeholder: {...placeholder, shape: [values.length]},
  values,
});

const isEqual = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);
