/** The same prompts answered twice: by two models, or by one at two times. */
import {readGroups} from './groups.js';
import type {ReadGroupsOptions, StoredGroup} from './groups.js';
import type {StoredRows} from './lines.js';
import type {GroupEntry, Survey} from './survey.js';

/** The group of the other artifact that stands beside one of this; undefined where the other never had the prompt. */
export type PartnerOf = (entry: GroupEntry) => GroupEntry | undefined;

/** By prompt; of several steps the same one, else the last. */
export function partnersIn({groups}: Survey): PartnerOf {
  const byPrompt = new Map<string, GroupEntry[]>();
  for (const group of groups) {
    const known = byPrompt.get(group.prompt);
    if (known === undefined) byPrompt.set(group.prompt, [group]);
    else known.push(group);
  }
  return ({prompt, step}) => {
    const candidates = byPrompt.get(prompt);
    return candidates?.find((other) => step !== undefined && other.step === step) ?? candidates?.at(-1);
  };
}

/**
 * The groups that stand beside others, by the keys of their entries. All of them are in memory at once.
 *
 * @throws {StageFailure} as `readGroups`
 */
export async function readPartners(
  rows: StoredRows,
  entries: readonly GroupEntry[],
  options: ReadGroupsOptions = {},
): Promise<ReadonlyMap<string, StoredGroup>> {
  // One may stand beside several, and they are read in the order in which they lie.
  const distinct = [...new Set(entries)].sort((a, b) => a.first - b.first);
  const groups = new Map<string, StoredGroup>();
  let next = 0;
  for await (const group of readGroups(rows, distinct, options)) groups.set(distinct[next++]!.key, group);
  return groups;
}
