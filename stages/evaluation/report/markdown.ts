/** The report as a page of Markdown. Numbers come from build.ts; nothing is computed here but the way they are written. */
import {intervalText} from '../intervals.js';
import type {Score} from '../scores.js';
import {countsText} from '../verdicts.js';
import {benchmarkNotes, benchmarkRows} from './benchmarks.js';
import type {DistillationRow, ModelSummary, Report, TrainingCurves} from './build.js';
import {sparkline, thinned, type Curve} from './curves.js';
import {earlySection} from './early-answers.js';
import {bullets, digitsOf, pText, rateText, section, table} from './markdown-parts.js';
import {DEFINITIONS, NOTES} from './notes.js';
import {figuresOf, type ReportFigure} from './figures.js';
import {PAPER_TABLES} from './paper-tables.js';
import {figureText, progressSection} from './progress-section.js';
import {promptingSection} from './promptings.js';
import {stageDifferencesSection} from './stage-differences.js';

export function renderMarkdown(report: Report): string {
  const sections = [
    '# DeepSeek-R1, run end to end',
    summary(report),
    '## The stages',
    stageTable(report),
    ...section('## Benchmarks', benchmarkSection(report)),
    ...section('## Claims', claimsTable(report)),
    ...section('## From stage to stage', stageDifferencesSection(report.stageDifferences)),
    ...section('## pass@k', passTable(report.models)),
    ...section('## By number of steps and by language', breakdownTable(report.models)),
    ...section('## Reinforcement learning, step by step', trainingSections(report)),
    ...section('## Does the answer need the thinking?', earlySection(report.earlyAnswers)),
    ...section('## Prompt sensitivity', promptingSection(report.promptings)),
    ...section('## Distillation and RL on small models', distillationTable(report.distillation)),
    ...section('## Reflective words', reflectiveTable(report)),
    ...section('## Reward models', rewardModelTable(report)),
    ...section(
      '## Data',
      Object.entries(report.cards)
        .map(([node, card]) => cardOf(node, card))
        .join('\n\n'),
    ),
    ...section('## The paper’s own numbers', paperSection(report)),
    '## What the numbers mean',
    bullets(DEFINITIONS(report.sampling)),
    '## Limits',
    bullets(NOTES(report)),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function summary({claims, models}: Report): string {
  const tested = claims.length === 0 ? 'No claims were declared.' : `Claims: ${countsText(claims)}.`;
  const measured = models.length === 1 ? '1 model was measured' : `${models.length} models were measured`;
  return `${measured}. ${tested} Brackets hold 95 % intervals.`;
}

/** `0.71 [0.68, 0.74]`, lengths with one decimal. */
export const valueText = (score: Pick<Score, 'metric' | 'mean' | 'low' | 'high'>): string =>
  rateText(score, digitsOf(score.metric));

function stageTable({models}: Report): string {
  const metrics = [...new Set(models.flatMap(({scores}) => scores.map(({metric}) => metric)))];
  const isNamed = models.some(({paper}) => paper !== undefined);
  const rows = models.map((model) => [
    model.node,
    ...(isNamed ? [model.paper ?? '–'] : []),
    model.asked ?? model.template,
    ...metrics.map((metric) => {
      const score = model.scores.find((one) => one.metric === metric);
      return score === undefined ? '–' : valueText(score);
    }),
  ]);
  return table(['model', ...(isNamed ? ['in the paper'] : []), 'template', ...metrics], rows, isNamed ? 3 : 2);
}

function benchmarkSection({benchmarks}: Report): string {
  const rows = benchmarkRows(benchmarks);
  if (rows.length === 0) return '';
  const head = ['model', 'benchmark', 'measure', 'measured', 'the paper'];
  return [table(head, rows, 3), bullets(benchmarkNotes(benchmarks))].join('\n\n');
}

function claimsTable({claims, unmeasured}: Report): string {
  const rows = claims.map((claim) => [
    claim.text,
    claim.paper,
    claim.right === null
      ? claim.left
      : `${claim.left} / ${claim.right} (${[...new Set(claim.asked ?? claim.templates)].join(' / ')})`,
    claim.metric,
    `${claim.direction === 'above' ? '>' : '<'} ${claim.threshold.toFixed(2)}`,
    `${claim.value.toFixed(3)} ${intervalText(claim, (value) => value.toFixed(3))}`,
    pText(claim.adjusted),
    `**${claim.verdict}**`,
  ]);
  const head = ['claim', 'paper', 'models (templates)', 'metric', 'claimed', 'measured', 'p (Holm)', 'verdict'];
  const missing = unmeasured.length === 0 ? [] : [`Declared but not measured in this run: ${unmeasured.join(', ')}.`];
  const unmet = claims.flatMap(({claim, unmet: sentences = []}) => sentences.map((text) => `${claim}: ${text}`));
  const notJudged = unmet.length === 0 ? [] : [`Not judged, neither holding nor failing:\n\n${bullets(unmet)}`];
  return [table(head, rows, 4), ...notJudged, ...missing].filter((text) => text !== '').join('\n\n');
}

/** What the paper prints, beside reports of recipes that say what the paper calls their models. */
function paperSection({models}: Report): string {
  if (models.every(({paper}) => paper === undefined)) return '';
  const tables = PAPER_TABLES.map(({title, source, of, columns, rows}) => {
    const lines = rows.map(([name, values]) => [name, ...values.map((value) => value?.toString() ?? '–')]);
    return `### ${title}\n\n${source}.\n\n${table([of, ...columns], lines)}`;
  });
  return [
    'None of these was measured here: they are of other models, on other problems, from DeepSeek-R1 (arXiv 2501.12948; Nature 645:633). Percent, ratings in points.',
    ...tables,
  ].join('\n\n');
}

/** `zero-rl (R1-Zero)`: what the recipe calls a model, and the paper. */
const calledIn = (node: string, paper: string | undefined): string =>
  paper === undefined ? node : `${node} (${paper})`;

function passTable(models: readonly ModelSummary[]): string {
  const ks = [...new Set(models.flatMap(({passAtK}) => passAtK.map(({k}) => k)))].sort((a, b) => a - b);
  const rows = models.map(({node, paper, passAtK}) => [
    calledIn(node, paper),
    ...ks.map((k) => passAtK.find((one) => one.k === k)?.mean.toFixed(3) ?? '–'),
  ]);
  return ks.length < 2 ? '' : table(['model', ...ks.map((k) => `pass@${k}`)], rows);
}

function breakdownTable(models: readonly ModelSummary[]): string {
  const groups = [...new Set(models.flatMap(({breakdown}) => breakdown.map(({group}) => group)))];
  const rows = models.map(({node, paper, breakdown}) => [
    calledIn(node, paper),
    ...groups.map((group) => {
      const found = breakdown.find((one) => one.group === group);
      return found === undefined ? '–' : rateText({...found, mean: found.passAt1});
    }),
  ]);
  return groups.length < 2 ? '' : `pass@1 within each group.\n\n${table(['model', ...groups], rows)}`;
}

/** Points of the small tables and of the sparklines. */
const ROWS = 8;
const SPARKS = 40;

/** Each training with its figures, and what held-out problems say of it where the recipe follows it. */
function trainingSections(report: Report): string {
  const figures = figuresOf(report);
  return report.curves
    .flatMap((training) => {
      const [own, ...heldOut] = figures.filter(({node}) => node === training.node) as [ReportFigure, ...ReportFigure[]];
      const followed = (report.progress ?? []).filter(({node}) => node === training.node);
      return [curvesOf(training, own), ...followed.map((progress) => progressSection(progress, heldOut))];
    })
    .join('\n\n');
}

function curvesOf({node, steps, curves}: TrainingCurves, figure: ReportFigure): string {
  const names = Object.keys(curves);
  const lines = names.map((name) => {
    const curve = thinned(curves[name]!, SPARKS);
    return [
      name,
      `\`${sparkline(curves[name]!, steps, SPARKS)}\``,
      numberText(name, curve.values[0]!),
      numberText(name, curve.values.at(-1)!),
    ];
  });
  const shown = names.filter((name) => ['accuracy', 'length', 'language', 'reflective'].includes(name));
  const points = shown.map((name) => thinned(curves[name]!, ROWS));
  const longest = points.reduce<Curve | undefined>(
    (best, curve) => ((best?.steps.length ?? 0) < curve.steps.length ? curve : best),
    undefined,
  );
  const rows = (longest?.steps ?? []).map((step, index) => [
    String(step),
    ...points.map((curve, which) =>
      curve.values[index] === undefined ? '–' : numberText(shown[which]!, curve.values[index]),
    ),
  ]);
  return [
    `### ${node}: ${steps} ${steps === 1 ? 'step' : 'steps'}`,
    figureText(figure),
    table(['curve', 'over training', 'first', 'last'], lines, 2),
    `Means of neighbouring steps, on the completions that training drew:\n\n${table(['up to step', ...shown], rows, 0)}`,
  ].join('\n\n');
}

const numberText = (name: string, value: number): string => value.toFixed(name.startsWith('length') ? 1 : 3);

function distillationTable(rows: readonly DistillationRow[]): string {
  if (rows.length === 0) return '';
  const millions = (tokens: number | undefined): string => (tokens === undefined ? '–' : (tokens / 1e6).toFixed(2));
  const lines = rows.map(({node, how, passAt1, own, data, operations}) => [
    node,
    how,
    passAt1 === undefined ? '–' : valueText(passAt1),
    own === undefined ? '–' : String(own.parameters),
    millions(own?.trainedTokens),
    millions(own === undefined ? undefined : own.generatedTokens + own.scoredTokens),
    millions(data?.generatedTokens),
    operations === undefined ? '–' : operations.toExponential(2),
  ]);
  const head = ['student', 'trained by', 'pass@1', 'parameters', 'trained, M tokens', 'generated and scored, M tokens'];
  const how =
    'Operations are 6N a trained token and 2N a generated or reference-scored token, N the parameters of the model that does it. For a distilled student the teacher’s sampling of its data is counted in full.';
  return [table([...head, 'teacher’s sampling, M tokens', 'operations'], lines, 2), how, computeNote(rows)]
    .filter((text) => text !== '')
    .join('\n\n');
}

/** Whether the control of the paper's Table 6 was given its due. */
function computeNote(rows: readonly DistillationRow[]): string {
  const distilled = rows.find(({node}) => node === 'distill-small')?.operations;
  const alone = rows.find(({node}) => node === 'student-rl')?.operations;
  if (distilled === undefined || alone === undefined) return '';
  const ratio = alone / distilled;
  return ratio >= 1
    ? `RL on the small model took ${ratio.toFixed(1)} times the operations of its distillation.`
    : `RL on the small model took only ${ratio.toFixed(2)} times the operations of its distillation: the comparison favours distillation.`;
}

function reflectiveTable({models, curves}: Report): string {
  const rows = models.map(({node, paper, reflective}) => {
    const training = curves.find((one) => one.node === node);
    const curve = training?.curves['reflective'];
    if (training === undefined || curve === undefined) return [calledIn(node, paper), reflective.toFixed(3), '–', '–'];
    const values = [Math.min(...curve.values), Math.max(...curve.values)].map((value) => value.toFixed(3));
    const drawn = `\`${sparkline(curve, training.steps, SPARKS)}\``;
    return [calledIn(node, paper), reflective.toFixed(3), drawn, values.join(' to ')];
  });
  if (rows.length === 0) return '';
  const head = ['model', 'held out', 'over its training', 'lowest to highest there'];
  return `Reflective words in a response. Training and held-out responses are drawn from other problems, and may be drawn at another temperature.\n\n${table(head, rows)}`;
}

function rewardModelTable({rewardModels}: Report): string {
  const rows = rewardModels.map(({node, accuracy, lengthOnly}) => [
    node,
    accuracy.toFixed(3),
    lengthOnly === undefined ? '–' : lengthOnly.toFixed(3),
  ]);
  return table(['reward model', 'held-out accuracy', 'length alone'], rows);
}

/** A card as a list: numbers and texts as they are, tables of counts with their shares. */
function cardOf(node: string, card: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(card).map(([name, value]) => `${spoken(name)}: ${valueOf(value)}`);
  return `### ${node}\n\n${bullets(lines)}`;
}

const spoken = (name: string): string => name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();

function valueOf(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(3);
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value);
  const numbers = entries.map(([, one]: [string, unknown]) => one).filter((one) => typeof one === 'number');
  const total = numbers.reduce((sum, one) => sum + one, 0);
  const counts = numbers.length === entries.length && numbers.every(Number.isInteger) && total > 0;
  return entries
    .map(([name, one]: [string, unknown]) =>
      counts ? `${name} ${String(one)} (${((100 * (one as number)) / total).toFixed(1)} %)` : `${name} ${valueOf(one)}`,
    )
    .join(', ');
}
