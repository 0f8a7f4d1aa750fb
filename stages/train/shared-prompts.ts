/**
 * GRPO with each prompt computed once for all responses of its group. A row is a prompt with the responses to it behind one
 * another; a response sees the prompt and itself, at the positions that it would have alone. So loss and gradient are those of
 * separate rows, up to rounding, for a fraction of the work: with 8 responses that are half as long as their prompt, for 5 of 12 parts.
 *
 * A row is laid out as p₀ … p₋₂ | p₋₁ a₀ … a₋₂ | p₋₁ b₀ … b₋₂ | …: the last token of the prompt stands in front of each response, since
 * what follows it is a token of that response. Each position behind the prompt then predicts one sampled token.
 */
import type {BatchShape, Objective} from '../engine/objective.js';
import type {Buckets} from '../engine/programs/batches.js';
import type {Program} from '../engine/program.js';
import type {Train} from '../engine/programs/training.js';
import {training} from '../engine/programs/training.js';
import {sharedPrompts} from '../model/transformer.js';
import {DataType, tensorflow} from '../tensorflow/backend.js';
import {tokenInputs, tokenLogProbabilities} from './cross-entropy.js';
import type {GrpoMetrics, GrpoOptions, GrpoRow} from './grpo.js';
import {grpoReport, surrogate, teaches, tokenFields, tokenWeight} from './grpo.js';

/** Responses to one prompt, as one row. */
interface SharedRow {
  /** Tokens of the prompt. */
  readonly prompt: number;
  readonly members: readonly GrpoRow[];
  /** Whether its members move the policy. */
  readonly teaches: boolean;
}

/** How many tokens of a row belong to its prompt: those in front of the first that is marked. */
const promptOf = ({mask}: Pick<GrpoRow, 'mask'>): number => Array.prototype.findIndex.call(mask, Boolean);

const positionsOf = ({prompt, members}: Pick<SharedRow, 'prompt' | 'members'>): number =>
  prompt - 1 + members.reduce((sum, {tokens}) => sum + tokens.length - prompt, 0);

/**
 * Rows of equal prompts together, as long as they take at most so many positions.
 * @returns for each of the rows that are made, which of the given ones are its members
 */
export function shareRows(rows: readonly GrpoRow[], most: number): number[][] {
  const byPrompt = new Map<string, number[][]>();
  rows.forEach((row, index) => {
    const prompt = promptOf(row);
    const key = Array.prototype.slice.call(row.tokens, 0, prompt).join();
    const packs = byPrompt.get(key) ?? [[]];
    byPrompt.set(key, packs);
    const last = packs.at(-1)!;
    const members = [...last, index].map((at) => rows[at]!);
    if (last.length === 0 || positionsOf({prompt, members}) <= most) last.push(index);
    else packs.push([index]);
  });
  return [...byPrompt.values()].flat();
}

/** Where the responses of a row lie: the positions that predict their tokens, one member after the other. */
function* placesOf({
  prompt,
  members,
}: SharedRow): Generator<{member: GrpoRow; part: number; at: number; token: number}> {
  let at = prompt - 1;
  for (const [index, member] of members.entries())
    for (let token = prompt; token < member.tokens.length; token++) yield {member, part: index + 1, at: at++, token};
}

/** The first position of a row that counts: the one behind the prompt, or as far back as the targets of the shape need. */
const startOf = ({prompt}: SharedRow, {length, targets = length}: BatchShape): number =>
  Math.min(prompt - 1, length - targets);

/** What belongs to the sampled tokens, at the positions that predict them. (rows × targets) */
function atTargets<A extends Int32Array | Float32Array>(
  array: A,
  rows: readonly SharedRow[],
  shape: BatchShape,
  of: (member: GrpoRow) => ArrayLike<number>,
): A {
  const {length, targets = length} = shape;
  rows.forEach((row, i) => {
    const start = startOf(row, shape);
    for (const {member, at, token} of placesOf(row)) array[i * targets + at - start] = of(member)[token]!;
  });
  return array;
}

/** Tokens, their positions in the row that each response would be alone, and whose they are: 0 the prompt's. (rows × length) */
function placed(rows: readonly SharedRow[], {rows: count, length}: BatchShape) {
  const [tokens, places, parts] = [0, 1, 2].map(() => new Int32Array(count * length)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  rows.forEach((row, i) => {
    const own = row.members[0]!.tokens;
    for (let at = 0; at < row.prompt - 1; at++) [tokens[i * length + at], places[i * length + at]] = [own[at]!, at];
    for (const {member, part, at, token} of placesOf(row)) {
      const to = i * length + at;
      [tokens[to], places[to], parts[to]] = [member.tokens[token - 1]!, token - 1, part];
    }
  });
  return {tokens, places, parts};
}

/** @param longest positions of the longest row that a response would be alone */
function sharedObjective(options: GrpoOptions, longest: number): Objective<SharedRow, GrpoMetrics> {
  const {temperature, aggregate, oldPolicy = 'given'} = options;
  const fields = Object.entries(tokenFields(options));
  return {
    positions: positionsOf,
    rowsTogether: 1,
    counts: (row) => row.teaches,
    inputs(shape) {
      const {rows, length, targets = length} = shape;
      const each = {dtype: DataType.float, shape: [rows, targets]};
      const ofPosition = {dtype: DataType.int32, shape: [rows * length]};
      return {
        ...tokenInputs({...shape, targets}),
        places: ofPosition,
        parts: ofPosition,
        weights: each,
        advantages: each,
        ...Object.fromEntries(fields.map(([name]) => [name, each])),
      };
    },
    fill(rows, shape, all) {
      const {rows: count, length, targets = length} = shape;
      const weight = tokenWeight(
        aggregate,
        all.flatMap(({members}) => members),
      );
      const aligned = (of: (member: GrpoRow) => ArrayLike<number>): Float32Array =>
        atTargets(new Float32Array(count * targets), rows, shape, of);
      const starts = new Int32Array(count);
      rows.forEach((row, i) => (starts[i] = startOf(row, shape)));
      return {
        ...placed(rows, shape),
        targets: atTargets(new Int32Array(count * targets), rows, shape, ({tokens}) => tokens),
        starts,
        weights: aligned((member) => Array.from(member.mask, (mark) => (mark ? weight(member) : 0))),
        advantages: aligned((member) => Array.from(member.tokens, () => member.advantage)),
        ...Object.fromEntries(fields.map(([name, of]) => [name, aligned(of)])),
      };
    },
    compute(parameters, inputs, config, shape) {
      const {rows, length, targets = length} = shape;
      const placement = sharedPrompts(config, inputs, {rows, length, longest});
      const flat = tokenLogProbabilities(parameters, inputs, config, shape, temperature, placement);
      const logProbs = tensorflow().tf.reshape(flat, [rows, targets]);
      return {...surrogate(logProbs, inputs, options), ...(oldPolicy === 'own' && {values: logProbs})};
    },
    report: (parts, all) =>
      grpoReport(
        parts,
        all.flatMap(({members}) => members),
        options,
      ),
    ...(oldPolicy === 'own' && {
      valuesOf: (row, shape, values, at) => {
        const {length, targets = length} = shape;
        const first = at * targets + row.prompt - 1 - startOf(row, shape);
        return values.slice(first, first + positionsOf(row) - (row.prompt - 1));
      },
    }),
  };
}

/**
 * `grpoTraining` with shared prompts, for ratios of tokens.
 *
 * @param buckets of whole rows: a prompt with all that is sampled for it, up to the longest bucket; the rest makes further rows
 * @param longest positions of the longest row that a response would be alone
 */
export function sharedTraining(
  buckets: Buckets,
  options: GrpoOptions,
  longest: number,
): Program<Train<GrpoRow, GrpoMetrics>> {
  if (options.ratio !== 'token') throw new Error('Internal error: prompts are shared where ratios are those of tokens');
  const {batch, declare} = training(sharedObjective(options, longest), buckets);
  return {
    ...(batch !== undefined && {batch}),
    declare(context, name) {
      const train = declare(context, name);
      return (rows, given) => {
        const taught = rows.flatMap((row, index) =>
          promptOf(row) !== -1 && teaches(row, options.klCoefficient) ? [index] : [],
        );
        const packs = shareRows(
          taught.map((index) => rows[index]!),
          buckets.lengths.at(-1)!,
        ).map((pack) => pack.map((at) => taught[at]!));
        const shared = packs.map((pack): SharedRow => {
          const members = pack.map((index) => rows[index]!);
          return {prompt: promptOf(members[0]!), members, teaches: true};
        });
        // They have no part in the gradient, and one in the weights of the others.
        const idle = rows.filter((_, index) => !taught.includes(index));
        const trained = train(
          idle.length === 0 ? shared : [...shared, {prompt: 1, members: idle, teaches: false}],
          given,
        );
        const {values} = trained;
        return values === undefined ? trained : Object.assign(trained, {values: valuesOfMembers(rows, packs, values)});
      };
    },
  };
}

/** The values of each row out of those of the rows that they were computed in, aligned with its tokens; 0 at those of the prompt. */
function valuesOfMembers(
  rows: readonly GrpoRow[],
  packs: readonly (readonly number[])[],
  values: readonly (Float32Array | undefined)[],
): (Float32Array | undefined)[] {
  const each = new Array<Float32Array | undefined>(rows.length).fill(undefined);
  packs.forEach((pack, index) => {
    let first = 0;
    for (const at of pack) {
      const {tokens} = rows[at]!;
      const prompt = promptOf(rows[at]!);
      const aligned = new Float32Array(tokens.length);
      aligned.set(values[index]!.subarray(first, first + tokens.length - prompt), prompt);
      each[at] = aligned;
      first += tokens.length - prompt;
    }
  });
  return each;
}
