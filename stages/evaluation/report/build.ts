/**
 * The report as data: everything that its tables show, from the verdicts on every sample, the curves of training and the
 * data cards. A pure function; markdown.ts writes it out.
 */
import {askedText} from '../asked.js';
import type {Claim} from '../claims.js';
import type {EarlySummary} from '../early-answers.js';
import {clusterMean, type Interval} from '../intervals.js';
import {levelText, valuesByProblem} from '../metrics.js';
import {isReasoning, type Sample} from '../sample.js';
import {scoreOf, type Score} from '../scores.js';
import {judgeClaims, type ClaimResult} from '../verdicts.js';
import {benchmarksIn, withoutBenchmarks, type Benchmark} from './benchmarks.js';
import {computeOf, type Compute} from './compute.js';
import {bandOf, curveOf, thinned, type BandCurve, type Curve} from './curves.js';
import {dataShares, type DataShares} from './data-shares.js';
import {snapshotNames} from './followed.js';
import type {Evaluated, History, ReportInputs, SuiteCard} from './inputs.js';
import {progressOf, type TrainingProgress} from './progress.js';
import {promptingRows, type PromptingRow} from './promptings.js';
import {stageDifferences, type StageDifference} from './stage-differences.js';

/** A line of `r1 scores --json`. */
export interface ScoreRow extends Score {
  /** The node that made the model. */
  readonly node: string;
  /** sha256 of its weight file. */
  readonly model: string;
  /** What the paper calls its counterpart. */
  readonly paper?: string | undefined;
  /** Its template with how it was asked and read, where that was not as by default. */
  readonly asked?: string | undefined;
  /** Of a benchmark. */
  readonly suite?: SuiteCard | undefined;
}

export interface ModelSummary {
  readonly node: string;
  readonly model: string;
  /** What the paper calls its counterpart. */
  readonly paper?: string;
  readonly template: string;
  readonly prefill: string;
  /** The template with how it was asked and read, where that was not as by default. */
  readonly asked?: string;
  readonly scores: readonly Score[];
  /** Unbiased pass@k for k = 1, 2, 4 … up to the samples of a problem. */
  readonly passAtK: readonly {readonly k: number; readonly mean: number}[];
  /** pass@1 by number of steps and by language. */
  readonly breakdown: readonly (Interval & {
    readonly group: string;
    readonly passAt1: number;
    readonly problems: number;
  })[];
  /** Reflective words a response. */
  readonly reflective: number;
}

/** An RL stage's curves, thinned. */
export interface TrainingCurves {
  readonly node: string;
  readonly steps: number;
  readonly curves: Readonly<Record<string, Curve>>;
  /** Those that a figure shows, fewer points of each with their bands; what the history has no errors of is absent. */
  readonly bands: Readonly<Record<string, BandCurve>>;
  /** At which it drew its completions; unknown of histories of older versions. */
  readonly temperature?: number;
  /** Share of its steps after which general prompts came in, where it had any. */
  readonly generalFrom?: number;
}

export interface DistillationRow {
  readonly node: string;
  readonly how: string;
  readonly passAt1: Score | undefined;
  /** Its own training, and what sampling its data from the teacher took. */
  readonly own: Compute | undefined;
  readonly data: Compute | undefined;
  readonly operations: number | undefined;
}

export interface RewardModelRow {
  readonly node: string;
  readonly accuracy: number;
  /** Of always preferring the longer, or the shorter, whichever is better. */
  readonly lengthOnly: number | undefined;
}

export interface EarlyRow {
  readonly node: string;
  /** Steps that were made, and that its params ask for. */
  readonly steps: number;
  readonly planned: number;
}

export interface Report {
  readonly format: 'r1-report-1';
  readonly models: readonly ModelSummary[];
  readonly scores: readonly ScoreRow[];
  readonly benchmarks: readonly Benchmark[];
  readonly claims: readonly ClaimResult[];
  /** Declared claims whose models this run did not measure. */
  readonly unmeasured: readonly string[];
  readonly curves: readonly TrainingCurves[];
  /** Trainings on held-out problems, where the recipe follows some; left out where it follows none. */
  readonly progress?: readonly TrainingProgress[];
  readonly distillation: readonly DistillationRow[];
  readonly rewardModels: readonly RewardModelRow[];
  readonly cards: ReportInputs['cards'];
  /** What models answer behind forced thinking; left out where nobody asked. */
  readonly earlyAnswers?: Readonly<Record<string, EarlySummary>>;
  /** Models asked otherwise, each beside how it was asked among the scores; left out where there are none. */
  readonly promptings?: readonly PromptingRow[];
  /** What each stage does to accuracy; left out where the recipe does not say what the paper calls its models. */
  readonly stageDifferences?: readonly StageDifference[];
  /** What the held-out problems are. */
  readonly heldOut?: DataShares;
  /** Trainings that a person ended before their last step; left out where there are none. */
  readonly finishedEarly?: readonly EarlyRow[];
  /** What the recipe itself says about its numbers; left out where it says nothing. */
  readonly remarks?: readonly string[];
  readonly sampling: {readonly temperature: number; readonly topP: number; readonly k: number} | undefined;
}

/** The order of tables: the recipe's, then whatever else was measured by name. */
const ORDER = [
  'base',
  'base-chat',
  'base-zero-shot',
  'base-forced-think',
  'zero-rl',
  'zero-shuffled',
  'zero-format-only',
  'zero-base-length',
  'zero-language',
  'cold-start-sft',
  'reasoning-rl',
  'reasoning-no-language',
  'full-sft',
  'all-scenario-rl',
  'student-base',
  'student-small-base',
  'student-medium-base',
  'distill-small',
  'distill-medium',
  'student-rl',
];

/** Points of a curve in the report, and of one with a band in a figure. */
const POINTS = 50;
const BAND_POINTS = 25;
/** Named curves of RL stages, as the history calls them. */
const CURVES = [
  'accuracy',
  'format',
  'language',
  'wordless',
  'length',
  'length/thinking',
  'length/answer',
  'reflective',
  'reward',
  'helpful',
  'safe',
  'kl',
  'entropy',
];

/** Curves that figures show. */
const WITH_BANDS = ['accuracy', 'length', 'length/thinking', 'length/answer'];

export function buildReport(
  {
    evaluations: measured,
    histories,
    cards,
    earlyAnswers = {},
    promptings = {},
    remarks = [],
    paperNames = {},
    followed = [],
  }: ReportInputs,
  claims: readonly Claim[] = [],
): Report {
  const evaluations = withoutBenchmarks(measured);
  const benchmarks = benchmarksIn(measured);
  const snapshots = snapshotNames(followed);
  const names = inOrder(Object.keys(evaluations).filter((name) => !snapshots.has(name)));
  const progress = followed.flatMap((one) => progressOf(one, {evaluations, histories}) ?? []);
  const models = names.map((node) => ({...summarise(node, evaluations[node]!), ...paperName(node, paperNames)}));
  const students = distillation(evaluations, histories, cards);
  const operations = Object.fromEntries(
    students.flatMap((row) => (row.operations === undefined ? [] : [[row.node, row.operations] as const])),
  );
  const judged = judgeClaims(claims, evaluations, operations);
  const first = evaluations[names[0] ?? ''];
  const promptingsOf = promptingRows(promptings, evaluations);
  const answeredEarly = inOrder(Object.keys(earlyAnswers)).map((node) => [node, earlyAnswers[node]!] as const);
  const differences = stageDifferences(evaluations, paperNames);
  const heldOut = first && dataShares(first.samples);
  const finishedEarly = inOrder(Object.keys(histories)).flatMap((node) => earlyRow(node, histories[node]!));
  return {
    format: 'r1-report-1',
    models,
    scores: [
      ...models.flatMap(({node, model, asked, scores}) => {
        const of = {node, model, ...paperName(node, paperNames), ...(asked === undefined ? {} : {asked})};
        return scores.map((score) => ({...of, ...score}));
      }),
      ...benchmarks.flatMap(({scores, ...of}) => scores.map((score) => ({...of, ...score}))),
    ],
    benchmarks,
    claims: judged,
    unmeasured: claims.filter(({id}) => judged.every(({claim}) => claim !== id)).map(({id}) => id),
    curves: inOrder(Object.keys(histories)).flatMap((node) => trainingCurves(node, histories[node]!)),
    ...(progress.length === 0 ? {} : {progress}),
    distillation: students,
    rewardModels: inOrder(Object.keys(histories)).flatMap((node) => rewardModel(node, histories[node]!)),
    cards,
    ...(answeredEarly.length === 0 ? {} : {earlyAnswers: Object.fromEntries(answeredEarly)}),
    ...(promptingsOf.length === 0 ? {} : {promptings: promptingsOf}),
    ...(differences.length === 0 ? {} : {stageDifferences: differences}),
    ...(heldOut === undefined ? {} : {heldOut}),
    ...(finishedEarly.length === 0 ? {} : {finishedEarly}),
    ...(remarks.length === 0 ? {} : {remarks}),
    sampling: first && {temperature: first.temperature, topP: first.topP, k: first.k},
  };
}

function inOrder(names: readonly string[]): string[] {
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...names].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

const paperName = (node: string, names: Readonly<Record<string, string>>): {readonly paper?: string} =>
  Object.hasOwn(names, node) ? {paper: names[node]!} : {};

function summarise(node: string, evaluated: Evaluated): ModelSummary {
  const {model, template, prefill = '', scores, samples, k} = evaluated;
  const asked = askedText(template, evaluated);
  const powers = Array.from({length: Math.floor(Math.log2(k)) + 1}, (_, power) => 2 ** power);
  const passAtK = powers.flatMap((each) => {
    const values = [...valuesByProblem(`pass@${each}`, samples).values()];
    return values.length === 0 ? [] : [{k: each, mean: clusterMean(values)}];
  });
  const thinking = samples.filter(isReasoning);
  const reflective = thinking.reduce((sum, one) => sum + one.reflective, 0) / Math.max(1, thinking.length);
  const how = asked === template ? {} : {asked};
  return {node, model, template, prefill, ...how, scores, passAtK, breakdown: breakdown(thinking), reflective};
}

function breakdown(samples: readonly Sample[]): ModelSummary['breakdown'] {
  const groups: [string, readonly Sample[]][] = [];
  for (const steps of [...new Set(samples.map((one) => one.steps))].sort((a, b) => (a ?? 0) - (b ?? 0))) {
    if (steps !== null) groups.push([levelText(steps), samples.filter((one) => one.steps === steps)]);
  }
  for (const language of ['en', 'zh'] as const)
    groups.push([language, samples.filter((one) => one.language === language)]);
  return groups.flatMap(([group, members]) => {
    const score = scoreOf('pass@1', members);
    return score === undefined
      ? []
      : [{group, passAt1: score.mean, low: score.low, high: score.high, problems: score.problems}];
  });
}

/** Stages that sample while they train have an accuracy curve; the others are left out. */
function trainingCurves(node: string, history: History): TrainingCurves[] {
  if (curveOf(history, 'accuracy') === undefined || curveOf(history, 'length') === undefined) return [];
  // Rewards beside those of the paper: whoever gave one a weight wants to see it.
  const others = Object.keys(history.rows[0] ?? {}).filter((name) => name.startsWith('reward/'));
  const curves = [...CURVES, ...others].flatMap((name) => {
    const curve = curveOf(history, name);
    return curve === undefined ? [] : [[name, thinned(curve, POINTS)] as const];
  });
  const bands = WITH_BANDS.flatMap((name) => {
    const band = bandOf(history, name, BAND_POINTS);
    return band === undefined ? [] : [[name, band] as const];
  });
  const named = {curves: Object.fromEntries(curves), bands: Object.fromEntries(bands)};
  const {temperature, generalFrom} = history.card;
  return [
    {
      ...{node, steps: history.rows.length, ...named},
      ...(typeof temperature === 'number' ? {temperature} : {}),
      ...(typeof generalFrom === 'number' ? {generalFrom} : {}),
    },
  ];
}

function earlyRow(node: string, {card: {steps, plannedSteps}}: History): EarlyRow[] {
  return typeof steps === 'number' && typeof plannedSteps === 'number' ? [{node, steps, planned: plannedSteps}] : [];
}

function rewardModel(node: string, {card}: History): RewardModelRow[] {
  const {accuracy, lengthOnlyAccuracy} = card;
  if (typeof accuracy !== 'number') return [];
  return [{node, accuracy, lengthOnly: typeof lengthOnlyAccuracy === 'number' ? lengthOnlyAccuracy : undefined}];
}

/** The students (the paper's Tables 5 and 6) with what each of them took. */
function distillation(
  evaluations: ReportInputs['evaluations'],
  histories: ReportInputs['histories'],
  cards: ReportInputs['cards'],
): DistillationRow[] {
  const teacher = computeOf(cards['rejection-sampling']);
  return inOrder(Object.keys(evaluations)).flatMap((node): DistillationRow[] => {
    const kind = node.startsWith('distill-') ? 'distilled' : node === 'student-rl' ? 'RL alone' : undefined;
    const how =
      kind ??
      (node === 'student-base' ? 'before either' : /^student-.*-base$/.test(node) ? 'pre-trained only' : undefined);
    if (how === undefined) return [];
    const own = kind === undefined ? undefined : computeOf(histories[node]?.card);
    const data = kind === 'distilled' ? teacher : undefined;
    const passAt1 = evaluations[node]!.scores.find(({metric}) => metric === 'pass@1');
    const operations = own === undefined ? undefined : own.operations + (data?.operations ?? 0);
    return [{node, how, passAt1, own, data, operations}];
  });
}
