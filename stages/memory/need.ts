/** What a stage needs as a function of its params, and so what a person can do about it. */
import {totalmem} from 'node:os';
import {StageFailure} from '../../pipeline/stage.js';
import type {MemoryNeed} from '../../pipeline/stage.js';
import {memoryOf} from './parts.js';
import type {MemoryPart} from './parts.js';

/** Params that memory follows from, by name, in the order in which one would lower them. */
export type Lowerable = Readonly<Record<string, number | string>>;

/** A need that can be reckoned for other values, too. */
export interface Need<L extends Lowerable = Lowerable> {
  /** The present values. */
  readonly values: L;
  /**
   * What is taken with such values.
   * @param reached tokens of the longest sample so far; all of them unless given. Left out of account where nothing is sampled.
   */
  parts(values: L, reached?: number): readonly MemoryPart[];
}

/** The fewest tokens that a sample is taken to have: the KV cache begins with about so many slots. */
const FIRST_SAMPLES = 16;

const gib = (mib: number): string => (mib / 1024).toFixed(1);

const listed = (parts: readonly MemoryPart[]): string => parts.map(({mib, of}) => `${gib(mib)} for ${of}`).join(', ');

/** Half of a number, or layers that are computed again. */
function lowered(value: number | string): number | string | undefined {
  if (typeof value === 'number') return value > 1 ? Math.floor(value / 2) : undefined;
  return value === 'auto' || value === 'off' ? 'on' : undefined;
}

const named = (values: Lowerable): string =>
  Object.keys(values)
    .map((name) => `“${name}”`)
    .join(', ');

/** Which params would make it fit, each alone, with a value that does; where none does alone, all of them together. */
function whatFits<L extends Lowerable>({values, parts}: Need<L>, there: number): string {
  const fits = (tried: L): boolean => memoryOf(parts(tried)) <= there;
  const alone = Object.keys(values).flatMap((name) => {
    for (let value = lowered(values[name]!); value !== undefined; value = lowered(value))
      if (fits({...values, [name]: value})) return [`“${name}” ${value} instead of ${values[name]!}`];
    return [];
  });
  if (alone.length > 0) return `It would fit with ${alone.join(', or ')}`;
  for (let tried = values; ;) {
    const next = Object.entries(tried).map(([name, value]) => [name, lowered(value) ?? value] as const);
    if (next.every(([name, value]) => value === tried[name]))
      return `${named(values)} would have to be lower than they can be: it takes fewer samples at a time, a smaller model, or a larger machine`;
    tried = {...tried, ...Object.fromEntries(next)};
    if (fits(tried)) {
      const changed = next.filter(([name, value]) => value !== values[name]);
      return `It would fit with ${changed.map(([name, value]) => `“${name}” ${value} instead of ${values[name]!}`).join(' and ')}`;
    }
  }
}

/** The need as the runner is told of it. */
export const told = <L extends Lowerable>(need: Need<L>): MemoryNeed => {
  const parts = need.parts(need.values);
  return {mib: memoryOf(parts), explain: (there) => `${listed(parts)}. ${whatFits(need, there)}`};
};

/** What the machine, or the group of processes that this one is in, has. MiB. */
function available(): number {
  const constrained = process.constrainedMemory();
  return (constrained > 0 && constrained < totalmem() ? constrained : totalmem()) / 2 ** 20;
}

/** Stages that need less, in MiB, say nothing of it. */
const WORTH_SAYING = 1024;

/**
 * Says what a stage needs, before it takes it. What grows with the samples is not taken for granted: a stage that has enough for
 * short ones goes on, and says how long they may get.
 *
 * @throws {StageFailure} when there is less than it takes from the start, with the params that would need less
 */
export function announceMemory<L extends Lowerable>(
  need: Need<L>,
  note: (text: string) => void,
  there = available(),
): void {
  const {values} = need;
  const [least, most] = [need.parts(values, FIRST_SAMPLES), need.parts(values)];
  const needed = memoryOf(most);
  if (memoryOf(least) > there)
    throw new StageFailure(
      `this needs about ${gib(memoryOf(least))} GiB of memory, and there are ${gib(there)}: ${listed(least)}. ${whatFits(need, there)}`,
    );
  if (needed > there)
    note(
      `needs about ${gib(memoryOf(least))} GiB of memory at first, and ${gib(needed)} once a sample has “maxNewTokens” ${values['maxNewTokens']!}; ` +
        `the ${gib(there)} GiB that there are last for samples of about ${longestFor(need, there)} tokens. ${whatFits(need, there)}`,
    );
  else if (needed > WORTH_SAYING) note(`needs about ${gib(needed)} GiB of memory: ${listed(most)}`);
}

/** Tokens of the longest samples for which there is enough. */
function longestFor<L extends Lowerable>({values, parts}: Need<L>, there: number): number {
  let [enough, many] = [FIRST_SAMPLES, Number(values['maxNewTokens'])];
  while (many - enough > 1) {
    const between = Math.floor((enough + many) / 2);
    if (memoryOf(parts(values, between)) <= there) enough = between;
    else many = between;
  }
  return enough;
}
