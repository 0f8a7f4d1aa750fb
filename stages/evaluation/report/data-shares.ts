/** What the held-out problems are, by language and by steps: what a score over all of them weighs. */
import {groupBy} from '../forced-thinking.js';
import type {Sample} from '../sample.js';

/** Problems of one kind. */
export interface GroupShare {
  readonly group: string;
  readonly problems: number;
  /** Of all of them. */
  readonly share: number;
}

export interface DataShares {
  readonly problems: number;
  readonly byLanguage: readonly GroupShare[];
  /** The fewest steps first; empty where no problem has any. */
  readonly bySteps: readonly GroupShare[];
}

/** Of the problems with an answer to check; undefined where there are none. */
export function dataShares(samples: readonly Sample[]): DataShares | undefined {
  const checked = samples.filter(({outcome}) => outcome !== 'left-out');
  const problems = [...new Map(checked.map((sample) => [sample.key, sample] as const)).values()];
  if (problems.length === 0) return undefined;
  const shares = (of: readonly Sample[], nameOf: (sample: Sample) => string): GroupShare[] =>
    [...groupBy(of, nameOf)].map(([group, {length}]) => ({group, problems: length, share: length / problems.length}));
  const stepped = problems.filter(({steps}) => steps !== null).toSorted((a, b) => a.steps! - b.steps!);
  return {
    problems: problems.length,
    byLanguage: shares(problems, ({language}) => language ?? 'no language named'),
    bySteps: shares(stepped, ({steps}) => `${steps!} ${steps === 1 ? 'step' : 'steps'}`),
  };
}

/** `en 210 (50.0 %), zh 210 (50.0 %)` */
export const sharesText = (groups: readonly GroupShare[]): string =>
  groups.map(({group, problems, share}) => `${group} ${problems} (${(100 * share).toFixed(1)} %)`).join(', ');
