/** What a run has come to, on one screen: claims, a small table, the same question answered by its main models, where to look next. */
import type {RunClaims, RunResult} from '../access/run-result.js';
import type {FoundEvaluation} from '../access/evaluations.js';
import type {Reply, TellingQuestion} from '../access/telling-question.js';
import type {ClaimOverRuns, ClaimResult, Metric} from '../../stages/evaluation/index.js';
import {pad, widthOf, wrapped} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';
import type {Paint} from '../terminal/paint.js';
import {wrappedText} from '../terminal/wrap.js';
import {benchmarkTable} from './benchmarks.js';
import {claimedText, measuredText, unmeasuredText, verdictColour} from './claims.js';
import {runLine} from './runs.js';
import {askedLines, byModel, fittedScores} from './scores.js';
import {listed, typed} from './typed.js';

export interface RunResultOptions {
  readonly width: number;
  readonly colours: boolean;
}

interface Drawing {
  readonly width: number;
  readonly paint: Paint;
}

export function runResultText(result: RunResult, {width, colours}: RunResultOptions): string {
  const drawing = {width, paint: createColors(colours)};
  return [
    drawing.paint.bold(runLine(result.run)),
    claimsSummary(result, drawing),
    scoresText(result, drawing),
    result.question === undefined ? '' : questionText(result.question, drawing),
    nextText(result, drawing),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

const INDENT = '  ';
/** Claims that are named, where not all hold. */
const MOST_CLAIMS = 4;

/** How many hold, and which do not, with the reason; '' where none were declared. */
export function claimsSummary(
  {
    claims,
    unmeasured,
  }: {readonly claims: readonly (ClaimResult | ClaimOverRuns)[]; readonly unmeasured: RunClaims['unmeasured']},
  {width, paint}: Drawing,
): string {
  if (claims.length === 0 && unmeasured.length === 0) return '';
  const others = claims.filter(({verdict}) => verdict !== 'holds');
  const wide = Math.max(0, ...others.map(({verdict}) => verdict.length));
  const lines = others.slice(0, MOST_CLAIMS).flatMap((claim) => {
    const verdict = verdictColour(paint, claim)(claim.verdict.padEnd(wide));
    const text = oneLine(`${claim.claim}: ${reasonOf(claim)}`);
    return wrapped(text, width - 2, INDENT, `${verdict}  `);
  });
  const more = others.length > MOST_CLAIMS ? [`… and ${others.length - MOST_CLAIMS} more: r1 claims`] : [];
  const missing = unmeasured.length === 0 ? [] : wrapped(unmeasuredText(unmeasured), width - 2, '');
  const counts = `${claims.length - others.length} of ${claims.length} claims hold${others.length === 0 ? '' : others.length === 1 ? '; this one does not:' : '; these do not:'}`;
  return [paint.bold(counts), ...[...lines, ...more, ...missing].map((line) => `  ${line}`)].join('\n');
}

/** `measured 0.068 [-0.006, 0.143], claimed > 0.00`, or why it was not judged. */
const reasonOf = (claim: ClaimResult | ClaimOverRuns): string =>
  claim.verdict === 'not judged'
    ? (claim.unmet ?? []).join('; ')
    : `measured ${measuredText(claim)}, claimed ${claimedText(claim)}`;

/** What the whole table has beside these says little of a run at first sight. */
export const isTelling = (metric: Metric): boolean =>
  !/^(?:(?:pass|cons)@(?!1$)|invalid$|wordless$|reflective$|truncated$)/.test(metric);

function scoresText({scores, benchmarks, evaluated}: RunResult, {width, paint}: Drawing): string {
  if (scores.length === 0) return benchmarks.length === 0 ? '' : benchmarkTable(benchmarks);
  const telling = scores.filter(({metric}) => isTelling(metric));
  const models = byModel(telling.length === 0 ? scores : telling);
  const {table, hasBest} = fittedScores(models, width);
  const others = evaluated - models.length;
  const left = [
    ...(others === 0 ? [] : [`${others} more ${others === 1 ? 'model' : 'models'}`]),
    ...(benchmarks.length === 0 ? [] : ['benchmarks']),
  ];
  const notes = [
    `brackets: 95 % over problems, not the noise of training${hasBest ? '; * the best of its column' : ''}`,
    `r1 scores has ${['all metrics', ...left].join(' and ')}`,
    ...askedLines(models),
  ];
  return [table, ...notes.flatMap((note) => wrapped(oneLine(note), width, '')).map(paint.dim)].join('\n');
}

/** A model's text stays legible on a narrow terminal. */
const NARROWEST = 20;
/** Lines of one text that are shown. */
const MOST_LINES = 3;

function questionText(telling: TellingQuestion, {width, paint}: Drawing): string {
  const {prompt, question, answer, of, isGain, replies} = telling;
  const [first, ...others] = replies.map(({name}) => name);
  const gain = `, the one on which ${listed(others)} gain${others.length === 1 ? 's' : ''} most over ${first!}`;
  const heading = of === 1 ? 'the one question that was asked' : `one of ${of} questions${isGain ? gain : ''}`;
  const reference = answer === undefined ? '' : `answer: ${answer}`;
  return [
    ...wrapped(oneLine(heading), width, INDENT, '').map(paint.bold),
    ...(question === undefined ? [`${INDENT}(the prompts are no longer in the store)`] : textLines(question, width)),
    ...besides(reference, prompt, {width, paint}),
    ...replies.flatMap((reply) => replyLines(reply, {width, paint})),
  ].join('\n');
}

/** The right answer with the question's id, by which `r1 samples --problem` finds it. */
function besides(reference: string, prompt: string, {width, paint}: Drawing): readonly string[] {
  const id = `(${oneLine(prompt)})`;
  const line = [reference, id].filter((text) => text !== '').join(INDENT);
  if (!reference.includes('\n') && widthOf(line) + INDENT.length <= width)
    return [`${INDENT}${oneLine(reference)}${reference === '' ? '' : INDENT}${paint.dim(id)}`];
  return [...(reference === '' ? [] : textLines(reference, width)), ...textLines(id, width)];
}

function replyLines(
  {name, paper, isGraded, right, of, outcome, text}: Reply,
  {width, paint}: Drawing,
): readonly string[] {
  const colour = outcome === 'right' ? paint.green : paint.red;
  const facts = isGraded ? [colour(outcome), paint.dim(`${right} of ${of} samples right`)] : [];
  const names = wrapped(oneLine(paper === undefined ? name : `${name} = ${paper}`), width, '').map(paint.cyan);
  const line = [...names, ...facts].join(INDENT);
  const heads =
    names.length === 1 && widthOf(line) <= width ? [line] : [...names, ...facts.map((fact) => INDENT + fact)];
  return [...heads, ...(text.trim() === '' ? [`${INDENT}(nothing)`] : textLines(text, width))];
}

/** A text of anybody's in lines that fit; of many the first ones and the last, where the answer stands. */
function textLines(text: string, width: number): readonly string[] {
  const lines = wrappedText(text.trim(), Math.max(NARROWEST, width - INDENT.length)).filter(
    (line) => line.trim() !== '',
  );
  const left = lines.length - MOST_LINES + 1;
  const shown =
    lines.length <= MOST_LINES ? lines : [...lines.slice(0, MOST_LINES - 2), `… ${left} more lines …`, lines.at(-1)!];
  return shown.map((line) => `${INDENT}${line}`);
}

/** What to type next, with what it shows. */
function nextText({run, claims, scores, report, story}: RunResult, {width, paint}: Drawing): string {
  const [first, last] = [story[0], story.at(-1)];
  const isWrong = scores.some(
    ({evaluation, metric, mean}) => evaluation === last?.node && metric === 'pass@1' && mean < 1,
  );
  const commands: (readonly [string, string])[] = [
    ...(claims.length === 0 ? [] : [['r1 claims', 'each claim: measured, claimed, of what'] as const]),
    ...(first === undefined || first === last
      ? []
      : [
          [
            `r1 compare ${handleOf(first)} ${handleOf(last!)}`,
            'paired differences, problems won and lost, curves',
          ] as const,
        ]),
    ...(last === undefined
      ? []
      : [
          [
            `r1 samples ${typed(last.node)}${isWrong ? ' --wrong' : ''}`,
            isWrong ? 'what it still gets wrong' : 'what it wrote',
          ] as const,
        ]),
    ...(report === undefined
      ? []
      : [[`r1 export ${run.id}/${typed(report)} ./report`, 'the whole report, with figures'] as const]),
  ];
  if (commands.length === 0) return '';
  const wide = Math.max(...commands.map(([command]) => widthOf(command)));
  const lines = commands.map(([command, what]) => {
    const line = `${INDENT}${pad(command, wide)}${INDENT}${paint.dim(what)}`;
    return widthOf(line) <= width ? line : `${INDENT}${command}`;
  });
  return [paint.bold('where to look next'), ...lines].join('\n');
}

/** What a command knows the model by: its node where the evaluation is called so, else the evaluation's. */
const handleOf = ({name, node, model}: FoundEvaluation): string =>
  typed(model !== undefined && name === model.node ? name : node);
