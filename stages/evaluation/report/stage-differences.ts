/**
 * What each stage does to accuracy: the models of the recipe one after the other, paired on problems. Shown without a claim, since the
 * paper's own differences have either sign, by benchmark (Nature 645:633, Table 2).
 */
import {askedText} from '../asked.js';
import {compare} from '../comparison.js';
import type {Rate} from '../early-answers.js';
import {levelText} from '../metrics.js';
import type {Sample} from '../sample.js';
import type {Evaluated} from './inputs.js';
import {signedText, table} from './markdown-parts.js';

/** Two models of the recipe: pass@1 of the one less that of the other. */
export interface StageDifference {
  readonly left: string;
  readonly right: string;
  /** What the paper calls them. */
  readonly paper: readonly [left: string, right: string];
  /** How they were asked, where that is not alike. */
  readonly asked?: readonly [left: string, right: string];
  readonly difference: Rate;
  /** By the number of steps that problems take, the fewest first; empty where problems have none. */
  readonly byLevel: readonly (Rate & {readonly level: number})[];
}

/** The paper's names of models that follow on each other, and of the two that the whole of it is about. */
const PAIRS: readonly (readonly [left: string, right: string])[] = [
  ['R1-Zero', 'V3-Base'],
  ['R1-Dev1', 'R1-Zero'],
  ['R1-Dev2', 'R1-Dev1'],
  ['R1-Dev3', 'R1-Dev2'],
  ['R1', 'R1-Dev3'],
  ['R1', 'R1-Zero'],
];

/** The pairs that were evaluated, where the recipe says what the paper calls its models. */
export function stageDifferences(
  evaluations: Readonly<Record<string, Evaluated>>,
  paperNames: Readonly<Record<string, string>>,
): StageDifference[] {
  const find = (paper: string): [string, Evaluated] | undefined =>
    Object.entries(evaluations).find(([node]) => Object.hasOwn(paperNames, node) && paperNames[node] === paper);
  return PAIRS.flatMap((paper): StageDifference[] => {
    const [a, b] = [find(paper[0]), find(paper[1])];
    if (a === undefined || b === undefined) return [];
    const [[left, one], [right, other]] = [a, b];
    const difference = differenceOf(one.samples, other.samples);
    if (difference === undefined) return [];
    const asked = [askedText(one.template, one), askedText(other.template, other)] as const;
    const levels = [...new Set(one.samples.map(({steps}) => steps))].filter((level) => level !== null);
    const byLevel = levels
      .toSorted((x, y) => x - y)
      .flatMap((level) => {
        const at = (samples: readonly Sample[]): readonly Sample[] => samples.filter(({steps}) => steps === level);
        const found = differenceOf(at(one.samples), at(other.samples));
        return found === undefined ? [] : [{level, ...found}];
      });
    return [{left, right, paper, ...(asked[0] === asked[1] ? {} : {asked}), difference, byLevel}];
  });
}

function differenceOf(left: readonly Sample[], right: readonly Sample[]): Rate | undefined {
  const found = compare({metric: 'pass@1', statistic: 'difference', left, right, threshold: 0});
  return found === undefined ? undefined : {mean: found.value, low: found.low, high: found.high};
}

/** The table with what it is of; nothing where there are no pairs. */
export function stageDifferencesSection(pairs: readonly StageDifference[] = []): string {
  if (pairs.length === 0) return '';
  const levels = [...new Set(pairs.flatMap(({byLevel}) => byLevel.map(({level}) => level)))].toSorted((a, b) => a - b);
  const rows = pairs.map(({left, right, paper, asked, difference, byLevel}) => [
    `${left} − ${right}`,
    paper.join(' − '),
    asked === undefined ? 'alike' : asked.join(' / '),
    signedText(difference),
    ...levels.map((level) => {
      const found = byLevel.find((one) => one.level === level);
      return found === undefined ? '–' : signedText(found);
    }),
  ]);
  const head = ['models', 'in the paper', 'asked', 'pass@1', ...levels.map(levelText)];
  return `Differences of pass@1, paired on problems, over all of them and by the number of steps that they take. No claim is made of these: the paper’s differ in sign by benchmark (Nature, Table 2).\n\n${table(head, rows, 3)}`;
}
