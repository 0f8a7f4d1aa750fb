/** What comparisons of models, of runs and over seeds have in common, as lines for people. */
import type {Cause, NodeDifference} from '../../artifacts/queries/diff-runs.js';
import type {
  MetricComparison,
  SettingDifference,
  SharedProblems,
  Told,
} from '../../stages/evaluation/compare-evaluations.js';
import {clip} from '../terminal/columns.js';
import {oneLine} from '../terminal/paint.js';
import type {Paint} from '../terminal/paint.js';
import {causeText} from './diff.js';
import {differenceCell} from './score-numbers.js';

/** `A`, `B` … */
export const letterOf = (place: number): string => String.fromCharCode('A'.charCodeAt(0) + place);

/** `+.486 [+.466, +.506]  higher`; what is not told apart is dimmed. */
export function toldCell({metric, difference}: MetricComparison, paint: Paint): string {
  if (difference === undefined) return '';
  const text = `${differenceCell(metric, difference)}  ${difference.told}`;
  return difference.told === 'not told apart' ? paint.dim(text) : text;
}

export const isTold = (told: Told | undefined): boolean => told === 'higher' || told === 'lower';

/** How many problems a comparison is of, where it is not of all. */
export function problemLines(
  {shared, onlyBaseline, onlyOther, reworded}: SharedProblems,
  names: readonly [string, string],
): readonly string[] {
  const only = [
    ...(onlyBaseline === 0 ? [] : [`${onlyBaseline} that ${names[0]} alone was asked`]),
    ...(onlyOther === 0 ? [] : [`${onlyOther} that ${names[1]} alone was asked`]),
  ];
  if (shared === 0)
    return ['no problem was asked of both, so nothing is paired: the two columns are of different problems'];
  return [
    `differences are paired on the problems that both were asked, ${shared} in all${only.length === 0 ? '' : `; not on ${only.join(' and ')}`}`,
    ...(reworded === 0 ? [] : [`${reworded} of them were put to the two in other words`]),
  ];
}

/** Longest text of a setting. */
const SETTING = 60;
/** Causes of one kind that are listed. */
const CAUSES = 3;

/** What was not the same beside the models, a line each; none where nothing was. */
export function settingLines(
  {settings, causes}: {readonly settings: readonly SettingDifference[]; readonly causes: readonly Cause[]},
  names: readonly [string, string],
): readonly string[] {
  const of = (text: string): string => clip(oneLine(text), SETTING);
  const kinds = [...new Set(causes.map(({what}) => what))];
  const lines = [
    ...settings.map(({name, baseline, other}) => `${name}: ${names[0]} ${of(baseline)}, ${names[1]} ${of(other)}`),
    ...kinds.flatMap((kind) => {
      const own = causes.filter(({what}) => what === kind);
      const more = own.length > CAUSES ? [`… and ${own.length - CAUSES} more of ${kind}`] : [];
      return [...own.slice(0, CAUSES).map((cause) => clip(oneLine(causeText(cause)), 2 * SETTING)), ...more];
    }),
  ];
  return lines.length === 0
    ? []
    : ['evaluated otherwise, so that a difference is of this as well:', ...lines.map((line) => `  ${line}`)];
}

/** Where two runs parted, in the words of `r1 diff`. */
export function firstText(first: NodeDifference): string {
  if (first.status === 'diverged') return `${first.node} made other bytes from equal ingredients`;
  return `${first.node}, ${causeText(first.causes.find(({what}) => what !== 'input')!)}`;
}
