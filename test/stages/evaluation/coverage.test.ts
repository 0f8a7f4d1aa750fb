/**
 * How often 95 % intervals hold the truth: problems and responses are drawn anew from known laws, a thousand times a cell, or as
 * often as R1_COVERAGE says, which also prints the table:
 *
 *     R1_COVERAGE=5000 node test/run.js evaluation/coverage
 *
 * Cells: 100 and 420 problems, 1, 4 and 16 responses each, rates from .02 to .98, problems that differ little or much; for
 * differences, two models to which the same problems are hard, alike or with one of them better. A cell is an edge where fewer
 * than ten problems are expected on one side. With one response a problem, a rate takes few values, and the coverage of any interval
 * jumps by two points from one true rate to the next.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import {differenceOver, levelOver, type Measured} from '../../../stages/evaluation/over-problems.js';

const asked = process.env['R1_COVERAGE'];
const REPETITIONS = Number(asked ?? 1_000);

/** Mulberry32: test laws need tens of millions of draws. */
function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

type Spread = 'little' | 'much';

/** How likely a problem is solved: around the mean, or for three problems in five always or never. */
function difficulty(mean: number, spread: Spread, next: () => number): number {
  if (spread === 'little') return mean + (next() - 0.5) * Math.min(mean, 1 - mean);
  return next() < 0.6 ? Number(next() < mean) : mean;
}

/** The share of right responses, which is all that an interval looks at. */
function responses(p: number, count: number, next: () => number): number[] {
  if (p === 0 || p === 1) return [p];
  let right = 0;
  for (let n = 0; n < count; n++) if (next() < p) right += 1;
  return [right / count];
}

interface Cell {
  readonly problems: number;
  readonly samples: number;
  readonly mean: number;
  readonly spread: Spread;
}

const CELLS: readonly Cell[] = [100, 420].flatMap((problems) =>
  [1, 4, 16].flatMap((samples) =>
    [0.02, 0.1, 0.5, 0.9, 0.98].flatMap((mean) =>
      (['little', 'much'] as const).map((spread) => ({problems, samples, mean, spread})),
    ),
  ),
);

const isEdge = ({problems, mean}: Cell): boolean => problems * Math.min(mean, 1 - mean) < 9.999;

/** The share of repetitions in which the interval holds the truth. */
function coverage(cell: Cell, seed: number, truth: number, measured: (next: () => number) => Measured): number {
  const next = uniforms(seed);
  let held = 0;
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const {low, high} = measured(next);
    if (low <= truth + 1e-9 && truth - 1e-9 <= high) held += 1;
  }
  if (asked !== undefined) {
    const {problems, samples, mean, spread} = cell;
    const words = [problems, samples, mean, spread, isEdge(cell) ? 'edge' : '', (held / REPETITIONS).toFixed(3)];
    process.stdout.write(`${words.join('\t')}\n`);
  }
  return held / REPETITIONS;
}

/** Three standard deviations of a share that is so large. */
const chance = (share: number): number => 3 * Math.sqrt((share * (1 - share)) / REPETITIONS);

function check(name: string, cell: Cell, share: number, {least, most}: {least: number; most: number}): void {
  const low = isEdge(cell) ? 0.93 : least;
  const high = isEdge(cell) ? 1 : most;
  const says = `${name} ${JSON.stringify(cell)}: ${share}`;
  assert.ok(share >= low - chance(low) && share <= high + chance(high), says);
}

test('intervals of rates hold the truth 95 times in 100', () => {
  for (const [index, cell] of CELLS.entries()) {
    const {problems, samples, mean, spread} = cell;
    const share = coverage(cell, index, mean, (next) =>
      levelOver(
        Array.from({length: problems}, () => responses(difficulty(mean, spread, next), samples, next)),
        {isRate: true, threshold: 0},
      ),
    );
    check('level', cell, share, samples === 1 ? {least: 0.935, most: 0.965} : {least: 0.94, most: 0.96});
  }
});

for (const shift of [0, 0.1]) {
  test(`intervals of paired differences hold the truth 95 times in 100: ${shift === 0 ? 'models alike' : 'one better'}`, () => {
    for (const [index, cell] of CELLS.entries()) {
      const {problems, samples, mean, spread} = cell;
      // Towards the middle, by a tenth of the way to the far end.
      const better = (p: number): number => (mean <= 0.5 ? p + shift * (1 - p) : p - shift * p);
      const share = coverage(cell, 1_000 + index, better(mean) - mean, (next) => {
        const left: number[][] = [];
        const right: number[][] = [];
        for (let problem = 0; problem < problems; problem++) {
          const p = difficulty(mean, spread, next);
          // What is hard for one model mostly is for the other.
          const other = next() < 0.7 ? p : difficulty(mean, spread, next);
          left.push(responses(better(p), samples, next));
          right.push(responses(other, samples, next));
        }
        return differenceOver(left, right, {isRate: true, threshold: 0});
      });
      // Both ends are easier to know than the middle: most differences of an edge are exactly nothing.
      check('difference', cell, share, {least: 0.94, most: 0.965});
    }
  });
}

test('problems that are alike: intervals of rates and of differences hold the truth, too', () => {
  const next = uniforms(77);
  const cell: Cell = {problems: 300, samples: 2, mean: 0.4, spread: 'much'};
  const law = (): {clusters: number[][]; other: number[][]; groups: number[][]} => {
    const clusters: number[][] = [];
    const other: number[][] = [];
    const groups = Array.from({length: 60}, (): number[] => []);
    // Sixty forms, some of which are asked far more often than others, each with a difficulty of its own.
    const forms = groups.map(() => [difficulty(0.4, 'much', next), difficulty(0.4, 'much', next)] as const);
    for (let problem = 0; problem < 300; problem++) {
      const form = Math.floor(60 * next() * next());
      groups[form]!.push(problem);
      clusters.push(responses(forms[form]![0], 2, next));
      other.push(responses(forms[form]![1], 2, next));
    }
    return {clusters, other, groups: groups.filter(({length}) => length > 0)};
  };
  const level = coverage(cell, 0, 0.4, () => {
    const {clusters, groups} = law();
    return levelOver(clusters, {groups, isRate: true, threshold: 0});
  });
  const difference = coverage(cell, 0, 0, () => {
    const {clusters, other, groups} = law();
    return differenceOver(clusters, other, {groups, isRate: true, threshold: 0});
  });
  // Sixty clusters of unequal size.
  for (const share of [level, difference])
    assert.ok(share > 0.93 - chance(0.93) && share < 0.965 + chance(0.965), `${share}`);
});
