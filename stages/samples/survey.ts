/** A first look at all rows of an artifact: which groups of completions there are, and which of them are wanted. Keeps no text. */
import {isRight, isWanted, looksAtSamples} from './filter.js';
import type {SampleFilter} from './filter.js';
import {linesIn, parseLine} from './lines.js';
import type {Line, StoredRows} from './lines.js';
import {promptOf, readStoredRow} from './sample.js';
import type {Judged, ReadOptions, StoredRow} from './sample.js';

/** The completions of one prompt, at one step where there are several, by where their rows stand. */
export interface GroupEntry {
  readonly key: string;
  readonly prompt: string;
  readonly step?: number;
  /** Completions, and those of them that the filter wants. */
  samples: number;
  wanted: number;
  right: number;
  /** Judged and not right. */
  wrong: number;
  rows: number;
  /** Indices of its first and its last line among all of the artifact. */
  readonly first: number;
  last: number;
  /** Whether it is the problem that the filter names. */
  isNamed: boolean;
}

/** What an artifact holds. */
export interface Survey {
  /** All groups, in the order of their first rows. */
  readonly groups: readonly GroupEntry[];
  /** Those that the filter wants. */
  readonly found: readonly GroupEntry[];
  readonly samples: number;
  /** Completions by the verdict on their answer; what nobody judged is in none. */
  readonly outcomes: ReadonlyMap<Judged, number>;
  /** Completions by what became of them: kept, or why not. */
  readonly fates: ReadonlyMap<string, number>;
  /** Completions that are known to be right or not (`isRight`), and those of which it is known whether they were cut off. */
  readonly judged: number;
  readonly ended: {readonly known: number; readonly cutOff: number};
  /** Completions that a rubric or a judge has called so, and of how many it said either. */
  readonly helpful: {readonly yes: number; readonly of: number};
  readonly safe: {readonly yes: number; readonly of: number};
  /** Steps at which was sampled, ascending. */
  readonly steps: readonly number[];
}

/** How the rows of an artifact are read, as its stage wrote them. */
export function readingOf({stage, params = {}}: StoredRows): ReadOptions {
  const {rewards} = params;
  const isRecord = typeof rewards === 'object' && rewards !== null;
  const weights = isRecord ? Object.entries(rewards).filter(([, weight]) => typeof weight === 'number') : [];
  return {
    ...(isRecord ? {weights: Object.fromEntries(weights)} : {}),
    isAnswerFirst: stage === 'rejection-sampling' || stage === 'cold-start-data',
  };
}

/** The row of a line. @throws {StageFailure} as `parseLine` and `readStoredRow` */
export const rowOf = (line: Line, options: ReadOptions): StoredRow => readStoredRow(parseLine(line), line, options);

/** What the rows of a group have in common. */
export const groupKey = ({step, prompt, question}: StoredRow): string =>
  // Supervised rows may come from one source and ask different things.
  JSON.stringify([step ?? null, prompt, question ?? null]);

/**
 * Reads all rows once, whatever the filter wants, as a reader is told how many there are.
 *
 * @param progress called now and then with the lines that were read
 * @throws {StageFailure} a row cannot be read, with artifact, file and line
 */
export async function surveyOf(
  rows: StoredRows,
  filter: SampleFilter = {},
  progress: (lines: number) => void = () => undefined,
): Promise<Survey> {
  const options = readingOf(rows);
  const groups = new Map<string, GroupEntry>();
  const outcomes = new Map<Judged, number>();
  const fates = new Map<string, number>();
  const steps = new Set<number>();
  const names = filter.problems && new Set(filter.problems.flatMap(namesOf));
  const [helpful, safe] = [
    {yes: 0, of: 0},
    {yes: 0, of: 0},
  ];
  let [samples, judged, known, cutOff] = [0, 0, 0, 0];
  for await (const lines of linesIn(rows)) {
    for (const line of lines) {
      const row = rowOf(line, options);
      const key = groupKey(row);
      let group = groups.get(key);
      if (group === undefined) {
        const {prompt, step} = row;
        const counts = {samples: 0, wanted: 0, right: 0, wrong: 0, rows: 0};
        const place = {first: line.index, last: line.index};
        group = {key, prompt, ...(step === undefined ? {} : {step}), ...counts, ...place, isNamed: false};
        groups.set(key, group);
        if (step !== undefined) steps.add(step);
      }
      group.rows++;
      group.last = line.index;
      if (names !== undefined && [row.prompt, row.key, row.id].some((name) => name !== undefined && names.has(name)))
        group.isNamed = true;
      for (const sample of row.samples) {
        samples++;
        group.samples++;
        if (isWanted(sample, filter)) group.wanted++;
        const right = isRight(sample);
        if (right !== undefined) judged++;
        if (right === true) group.right++;
        else if (right === false) group.wrong++;
        if (sample.outcome !== undefined) count(outcomes, sample.outcome);
        if (sample.fate !== undefined) count(fates, sample.fate);
        if (sample.helpful !== undefined) tally(helpful, sample.helpful);
        if (sample.safe !== undefined) tally(safe, sample.safe);
        if (sample.finished !== undefined) known++;
        if (sample.finished === false) cutOff++;
      }
    }
    progress(lines.at(-1)!.index + 1);
  }
  const all = [...groups.values()];
  const ordered = [...steps].sort((a, b) => a - b);
  const found = all.filter((group) => isFound(group, filter, ordered.at(-1)));
  return {groups: all, found, samples, outcomes, fates, judged, ended: {known, cutOff}, helpful, safe, steps: ordered};
}

/** Ids that may be meant: a completion's leads to its prompt, also where its row begins with a step. */
function namesOf(problem: string): readonly string[] {
  const plain = problem.replace(/^step-\d+:/, '');
  return [problem, plain, promptOf(problem), promptOf(plain)];
}

function isFound(group: GroupEntry, filter: SampleFilter, last: number | undefined): boolean {
  const {steps} = filter;
  if (steps !== undefined) {
    const {from, to} = steps === 'last' ? {from: last ?? NaN, to: last ?? NaN} : steps;
    if (!(group.step !== undefined && group.step >= from && group.step <= to)) return false;
  }
  if (filter.mixed === true && (group.right === 0 || group.wrong === 0)) return false;
  if (filter.problems !== undefined && !group.isNamed) return false;
  return !looksAtSamples(filter) || group.wanted > 0;
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function tally(counts: {yes: number; of: number}, is: boolean): void {
  counts.of++;
  if (is) counts.yes++;
}

/**
 * So many groups, evenly spread over all, the first and the last among them: of a training its course, of an evaluation all levels. One
 * alone is the last.
 */
export function spreadOver<T>(groups: readonly T[], limit: number): readonly T[] {
  if (limit >= groups.length) return groups;
  if (limit <= 1) return groups.slice(groups.length - limit);
  return Array.from({length: limit}, (_, place) => groups[Math.round((place * (groups.length - 1)) / (limit - 1))]!);
}
