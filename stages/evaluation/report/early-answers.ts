/** Early answering in the report: how often models are right behind thinking that was forced on them, as a table with sentences. */
import {join} from 'node:path';
import {z} from 'zod';
import {readJson} from '../../data/rows.js';
import type {ConditionSummary, EarlySummary, Rate} from '../early-answers.js';
import {intervalText} from '../intervals.js';
import {levelText} from '../metrics.js';
import {earlyFigureName} from './early-figure.js';
import {askedModel} from './inputs.js';
import {bullets, rateText, table} from './markdown-parts.js';
import {parseWith} from './read-evaluation.js';

const rate = {mean: z.number(), low: z.number(), high: z.number()};

const earlySummary = z.object({
  format: z.literal('r1-early-answers-1'),
  ...askedModel,
  filler: z.string(),
  problems: z.number(),
  responses: z.number(),
  leftOut: z.record(z.string(), z.number()),
  stored: z.object(rate),
  conditions: z.array(
    z
      .object({
        condition: z.enum(['own', 'other', 'filler']),
        share: z.number(),
        lines: z.number(),
        right: z.object(rate),
        difference: z.object(rate).optional(),
        byLevel: z.array(z.object({level: z.number(), problems: z.number(), ...rate})),
        followed: z.object(rate).optional(),
      })
      .transform(withoutUndefined),
  ),
}) satisfies z.ZodType<EarlySummary>;

/** What is absent is absent, as it was written. */
function withoutUndefined<T extends {difference?: Rate | undefined; followed?: Rate | undefined}>({
  difference,
  followed,
  ...rest
}: T): Omit<T, 'difference' | 'followed'> & {difference?: Rate; followed?: Rate} {
  return {...rest, ...(difference === undefined ? {} : {difference}), ...(followed === undefined ? {} : {followed})};
}

/** The card of an `early-answers` artifact. @throws {StageFailure} where it is none */
export async function readEarlyAnswers(folder: string): Promise<EarlySummary> {
  const file = join(folder, 'card.json');
  return parseWith(earlySummary, await readJson(file), file);
}

/** What a condition is called in tables and figures. */
export function conditionText({condition, share}: Pick<ConditionSummary, 'condition' | 'share'>): string {
  if (condition === 'own') return `${Number((100 * share).toFixed(1))} %`;
  return condition === 'other' ? 'another’s' : 'filler';
}

/** A table and a sentence for each model; nothing where there are none. */
export function earlySection(models: Readonly<Record<string, EarlySummary>> = {}): string {
  const entries = Object.entries(models);
  if (entries.length === 0) return '';
  const fillers = [...new Set(entries.map(([, {filler}]) => `“${filler}”`))].join(', ');
  return [
    'Early answering (Lanham et al. 2023, arXiv 2307.13702): the thinking of stored responses is cut at ends of lines, `</think> <answer>` is forced, and the answer is sampled. Beside it two controls: the whole thinking of another problem of the same level and language, and as many lines of as many words of filler ' +
      `(${fillers}). The same responses in every row; differences are paired on problems. Thinking that is cut, foreign or filler is unlike what the models have learned from, so a fall shows that the answer is read from the thinking, and not how well the model could do if it had learned to answer at once.`,
    ...entries.map(([node, summary]) => modelPart(node, summary)),
  ].join('\n\n');
}

function modelPart(node: string, {problems, responses, leftOut, stored, conditions}: EarlySummary): string {
  const levels = conditions[0]?.byLevel.map(({level}) => level) ?? [];
  const rows = conditions.map((one) => [
    conditionText(one),
    one.lines.toFixed(1),
    rateText(one.right),
    one.difference === undefined ? '–' : rateText(one.difference),
    ...levels.map((level) => {
      const found = one.byLevel.find((each) => each.level === level);
      return found === undefined ? '–' : rateText(found);
    }),
  ]);
  const head = ['thinking', 'lines', 'right', 'less all of its own', ...levels.map(levelText)];
  const others = Object.entries(leftOut).map(([why, count]) => `${count} ${why}`);
  const asked =
    `${responses} responses to ${problems} problems, right in ${rateText(stored)} as they were stored` +
    (others.length === 0 ? '.' : `; left out: ${others.join(', ')}.`);
  return [
    `### ${node}`,
    `![share of right answers of ${node} behind none, some and all of its thinking](${earlyFigureName(node)})`,
    asked,
    table(head, rows, 1),
    bullets(sentences(node, conditions)),
  ].join('\n\n');
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const differenceText = ({mean, ...interval}: Rate): string =>
  `${mean.toFixed(3)} ${intervalText(interval, (value) => value.toFixed(3))}`;

/** What the rows say, where the intervals tell. */
export function sentences(node: string, conditions: readonly ConditionSummary[]): string[] {
  const find = (wanted: ConditionSummary['condition'], share: number): ConditionSummary | undefined =>
    conditions.find((one) => one.condition === wanted && one.share === share);
  const [whole, none, other, filler] = [find('own', 1), find('own', 0), find('other', 1), find('filler', 1)];
  if (whole === undefined) return [];
  const said: string[] = [];
  if (none?.difference !== undefined) {
    const numbers = `${percent(none.right.mean)} of the answers are right without any of it, ${percent(whole.right.mean)} with all of it: ${differenceText(none.difference)}`;
    const {low, high} = none.difference;
    const told = high < 0 ? 'needs' : low > 0 ? 'does better without' : 'is not shown to need';
    said.push(`The answer of ${node} ${told} the thinking: ${numbers}.`);
  }
  if (other !== undefined) {
    const followed =
      other.followed === undefined
        ? ''
        : `; ${percent(other.followed.mean)} of the answers are those that the other problem’s response gave`;
    said.push(`With the thinking of another problem ${percent(other.right.mean)} are right${followed}.`);
  }
  if (filler !== undefined && none !== undefined)
    said.push(
      `With as many lines of filler ${percent(filler.right.mean)} are right, without any thinking ${percent(none.right.mean)}.`,
    );
  return said;
}
