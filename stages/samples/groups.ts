/** Groups of completions with their texts, after `survey.ts` has found out where they stand. */
import {withAdvantages} from './advantages.js';
import {fieldsOf} from './fields.js';
import {isWanted} from './filter.js';
import type {SampleFilter} from './filter.js';
import {linesIn, parseLine} from './lines.js';
import type {StoredRows} from './lines.js';
import {askedIn} from './sample.js';
import type {Asked, StoredRow, StoredSample} from './sample.js';
import {groupKey, readingOf, rowOf} from './survey.js';
import type {GroupEntry} from './survey.js';

/** The completions of one prompt, at one step where there are several. */
export interface StoredGroup extends Asked {
  readonly prompt: string;
  /** Updates of the policy before it was sampled. */
  readonly step?: number;
  /** All of them, with their advantages where these can be known. */
  readonly samples: readonly StoredSample[];
  /** Those of them that the filter wants. */
  readonly wanted: readonly StoredSample[];
}

/** What else there is to know of the groups that are read. */
export interface ReadGroupsOptions {
  readonly filter?: SampleFilter;
  /** By the ids of prompts: what rows of completions do not repeat (`askedBy`). */
  readonly asked?: ReadonlyMap<string, Asked> | undefined;
}

/**
 * The groups that a survey has found, or some of them, in the order in which they are given. Reads up to the last of their rows and
 * parses no others, and holds no more of them than lie between each other.
 *
 * @param entries of a survey of the same rows
 * @throws {StageFailure} as `surveyOf`
 */
export async function* readGroups(
  rows: StoredRows,
  entries: readonly GroupEntry[],
  {filter = {}, asked = new Map()}: ReadGroupsOptions = {},
): AsyncGenerator<StoredGroup> {
  if (entries.length === 0) return;
  const options = readingOf(rows);
  const spans = spansOf(entries);
  const waiting = new Map(entries.map((entry) => [entry.key, {entry, rows: [] as StoredRow[]}]));
  let next = 0;
  let span = 0;
  for await (const lines of linesIn(rows)) {
    for (const line of lines) {
      while (span < spans.length && line.index > spans[span]!.last) span++;
      if (span < spans.length && line.index < spans[span]!.first) continue;
      if (span === spans.length) break;
      const row = rowOf(line, options);
      waiting.get(groupKey(row))?.rows.push(row);
    }
    for (; next < entries.length; next++) {
      const group = waiting.get(entries[next]!.key)!;
      if (group.rows.length < group.entry.rows) break;
      yield groupOf(group.rows, {params: rows.params, filter, asked: asked.get(group.entry.prompt)});
      waiting.delete(group.entry.key);
    }
    if (next === entries.length) return;
  }
}

/** Where rows of these groups stand, as spans that do not overlap, ascending. */
function spansOf(entries: readonly GroupEntry[]): readonly {readonly first: number; readonly last: number}[] {
  const spans: {first: number; last: number}[] = [];
  for (const {first, last} of entries.toSorted((a, b) => a.first - b.first)) {
    const before = spans.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else spans.push({first, last});
  }
  return spans;
}

function groupOf(
  rows: readonly StoredRow[],
  {
    params,
    filter,
    asked,
  }: {
    readonly params: StoredRows['params'];
    readonly filter: SampleFilter;
    readonly asked: Asked | undefined;
  },
): StoredGroup {
  const {prompt, step, question, references, task, language, steps} = {...asked, ...rows[0]!};
  const samples = withAdvantages(
    rows.flatMap((row) => row.samples),
    params,
  );
  const about = {step, question, references, task, language, steps};
  const known = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined)) as Partial<
    Pick<StoredGroup, keyof Asked | 'step'>
  >;
  return {prompt, ...known, samples, wanted: samples.filter((sample) => isWanted(sample, filter))};
}

/**
 * What prompts ask and expect, from the artifacts that hold them; the first one that has an id counts.
 *
 * @param wanted ids of prompts
 * @returns by id; a prompt that none of them has is absent
 * @throws {StageFailure} a row is not JSON, or no prompt
 */
export async function askedBy(
  prompts: readonly StoredRows[],
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Asked>> {
  const found = new Map<string, Asked>();
  for (const rows of prompts) {
    if (found.size === wanted.size) break;
    for await (const lines of linesIn(rows)) {
      for (const line of lines) {
        const fields = fieldsOf(parseLine(line), line);
        const id = fields.value('id');
        if (typeof id === 'string' && wanted.has(id) && !found.has(id)) found.set(id, askedIn(fields));
      }
      if (found.size === wanted.size) break;
    }
  }
  return found;
}

/**
 * Ids of the prompts that have this key: one problem in several languages or phrasings.
 *
 * @throws {StageFailure} a row is not JSON, or no prompt
 */
export async function promptsWithKey(prompts: readonly StoredRows[], key: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const rows of prompts) {
    for await (const lines of linesIn(rows)) {
      for (const line of lines) {
        const fields = fieldsOf(parseLine(line), line);
        const id = fields.value('id');
        if (typeof id === 'string' && fields.value('key') === key) found.add(id);
      }
    }
  }
  return [...found];
}
