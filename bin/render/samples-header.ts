/** What stands above and below stored completions: what they are, how many there are and how many are shown, what else to type. */
import {shortDigest} from '../../artifacts/index.js';
import type {Output} from '../../artifacts/queries/readable.js';
import {askedText} from '../../stages/evaluation/asked.js';
import {isShuffled} from '../../stages/samples/index.js';
import type {Judged, StoredGroup, Survey} from '../../stages/samples/index.js';
import {referenceTo} from '../access/stored-samples.js';
import type {Stored} from '../access/stored-samples.js';
import {wrap} from '../terminal/wrap.js';
import {createColors, oneLine} from '../terminal/paint.js';
import {itemLines, type Canvas} from './samples.js';
import {typed} from './typed.js';

/** Stages whose params say how a question was put. */
const ASKING = new Set(['grpo', 'evaluate', 'rejection-sampling', 'cold-start-data', 'preference-data']);

/** `zero-rl:rollouts @abf491c0  grpo, attempt 7, run 1`, what was sampled, and how it was asked. */
export function storedText(stored: Stored, survey: Survey, canvas: Canvas): string {
  const {attempt, output} = stored;
  const lines = [
    contentText(survey),
    ...(attempt.stage === 'grpo' && output.kind === 'rollouts' ? ['of every rollout the first group is stored'] : []),
    ...(isShuffled(stored.rows.params)
      ? ['rewards were dealt out anew within each group, so there are no advantages to show']
      : []),
    ...askingOf(stored),
  ];
  return [
    ...nameLines(stored, canvas),
    ...lines.flatMap((line) => fitted(line, canvas)).map((line) => `  ${line}`),
  ].join('\n');
}

function nameLines({attempt, output}: Output, canvas: Canvas): readonly string[] {
  const {bold, cyan, dim} = createColors(canvas.colours);
  const name = `${bold(referenceTo({attempt, output}))} ${cyan(`@${shortDigest(output.artifact)}`)}`;
  return itemLines([name, dim(`${oneLine(attempt.stage)}, attempt ${attempt.id}, run ${attempt.run}`)], '', canvas);
}

function askingOf({attempt: {stage}, rows: {params = {}}}: Stored): readonly string[] {
  const {template} = params;
  if (!ASKING.has(stage) || typeof template !== 'string') return [];
  return [`asked with ${askedText(template, params)}`];
}

/** `800 completions in 50 groups at steps 0 to 98: 301 right, 499 wrong; 12 cut off` */
export function contentText({groups, samples, outcomes, fates, steps, ended, helpful, safe}: Survey): string {
  const at =
    steps.length === 0
      ? ''
      : steps.length === 1
        ? ` at step ${steps[0]!}`
        : ` at steps ${steps[0]!} to ${steps.at(-1)!}`;
  if (groups.length === 0) return 'it has no rows';
  if (samples === 0) return `${counted(groups.length, 'prompt')}${at}`;
  const verdicts = (['right', 'partial', 'wrong', 'unparsable', 'timed-out'] satisfies Judged[]).flatMap((outcome) => {
    const count = outcomes.get(outcome);
    return count === undefined ? [] : [`${grouped(count)} ${outcome}`];
  });
  const kept = fates.get('kept') ?? 0;
  const tail = [
    ...(verdicts.length === 0 ? [] : [verdicts.join(', ')]),
    ...Object.entries({helpful, safe}).flatMap(([name, {yes, of}]) =>
      of === 0 ? [] : [`${grouped(yes)} of ${grouped(of)} ${name}`],
    ),
    ...(fates.size === 0 ? [] : [`${grouped(kept)} kept`]),
    ...(ended.cutOff === 0 ? [] : [`${grouped(ended.cutOff)} cut off`]),
  ];
  const groupsText =
    steps.length === 0 ? `to ${counted(groups.length, 'prompt')}` : `in ${counted(groups.length, 'group')}${at}`;
  return `${counted(samples, 'completion')} ${groupsText}${tail.length === 0 ? '' : `: ${tail.join('; ')}`}`;
}

/** Which groups were wanted. */
export interface Wanted {
  /** As typed: `--wrong --step 20`; '' for none. */
  readonly chosenBy: string;
  /** Of these groups are shown. */
  readonly found: number;
  readonly shown: number;
  /** The artifact that has to answer as well, where there is one. */
  readonly other: string | undefined;
}

/** `5 of 23 groups with --wrong, spread over all of them; --limit N or --limit all shows more` */
export function shownText({chosenBy, found, shown, other}: Wanted, canvas: Canvas): string {
  const which = [
    ...(chosenBy === '' ? [] : [` with ${chosenBy}`]),
    ...(other === undefined ? [] : [` to which ${other} answers as well`]),
  ].join('');
  const groups = `${counted(found, 'group')}${which}`;
  const text =
    found === 0
      ? `nothing to show: there is no group${which}`
      : shown === found
        ? found === 1
          ? `the one group${which === '' ? ' that there is' : which}`
          : `all ${groups}`
        : `${grouped(shown)} of ${groups}, ${shown > 1 ? 'spread over all of them' : 'the last of them'}; --limit N or --limit all shows more`;
  return fitted(text, canvas)
    .map((line) => `  ${line}`)
    .join('\n');
}

/** `cold-start-data:rollouts @888f3d7f  cold-start-data, attempt 10, run 1`, and what became of what was drawn for one prompt. */
export function siftedText(stored: Stored, {samples, wanted}: StoredGroup, canvas: Canvas): string {
  const kept = samples.filter(({fate}) => fate === 'kept').length;
  const text = `${counted(samples.length, 'completion')} drawn, ${kept} kept, ${wanted.length === 0 ? 'none' : wanted.length} dropped`;
  return [...nameLines(stored, canvas), ...fitted(text, canvas).map((line) => `  ${line}`)].join('\n');
}

/** How to follow one of the completions, and what else can be read. */
export function nextText(stored: Stored, id: string | undefined, {colours}: Canvas): string {
  const {dim} = createColors(colours);
  const {attempt, others} = stored;
  const lines = [
    ...(id === undefined
      ? []
      : [`where one came from: r1 trace ${typed(id)} --in ${attempt.run}/${referenceTo(stored)}`]),
    ...(others.length === 0 ? [] : [`also to read: ${others.map((name) => `r1 samples ${typed(name)}`).join(', ')}`]),
  ];
  return lines.map((line) => dim(oneLine(line))).join('\n');
}

const fitted = (line: string, {width, isTerminal}: Canvas): readonly string[] =>
  isTerminal ? wrap(oneLine(line), Math.max(20, width - 2)) : [line];

const grouped = (count: number): string => count.toLocaleString('en');
const counted = (count: number, one: string, name = one): string =>
  `${grouped(count)} ${name}${count === 1 ? '' : 's'}`;
