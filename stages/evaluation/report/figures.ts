/** The figures of a report with their captions: what is drawn of which numbers. figure.ts draws them. */
import type {Report, TrainingCurves} from './build.js';
import type {Panel, Reference, Series} from './figure.js';
import type {ProgressPoint, TrainingProgress} from './progress.js';

/** A figure beside the page, and what stands under it. */
export interface ReportFigure {
  /** The training that it is of. */
  readonly node: string;
  /** Its file, beside the page. */
  readonly file: string;
  readonly title: string;
  readonly caption: string;
  readonly panels: readonly Panel[];
}

const fileOf = (node: string, what = ''): string => `${node.replaceAll(/[^\w-]/g, '_')}${what}.svg`;

/** All figures of a report, in the order of its page: of each training, first what it was trained on. */
export const figuresOf = (report: Report): readonly ReportFigure[] =>
  report.curves.flatMap((curves) => [
    trainingFigure(curves),
    ...(report.progress ?? [])
      .filter(({node}) => node === curves.node)
      .flatMap((progress) => [accuracyFigure(progress, report), lengthFigure(progress, curves, report)]),
  ]);

const STEP = 'A step is one optimizer update.';
const LENGTH =
  'Length: sampled tokens of a response, the end token included; “thinking” is everything up to and including the last `</think>`, “answer” is the rest.';
const OVER_PROBLEMS =
  'Bands: pointwise 95 % intervals of the mean over problems. They say how much it would change with other problems, and nothing about another run of the training.';

/** What each length is called, the whole of it first. */
const LENGTHS: readonly (readonly [metric: string, name: string])[] = [
  ['length', 'whole response'],
  ['length/thinking', 'thinking'],
  ['length/answer', 'answer'],
];

/** Accuracy and length on what a stage was trained on, from its history. */
export function trainingFigure(training: TrainingCurves): ReportFigure {
  const {node, steps} = training;
  const accuracy = trainingSeries(training, [['accuracy', 'accuracy']]);
  const lengths = trainingSeries(training, LENGTHS);
  return {
    node,
    file: fileOf(node),
    title: `${node}: accuracy and length on its training questions`,
    caption: `${node} on its training questions. ${STEP} Accuracy: share of responses with the right answer. ${LENGTH} ${drawnText(training)}${trainingBand(training)}${leftOutText(training)}`,
    panels: [
      {title: 'Accuracy in training', axis: 'share of responses', series: accuracy, from: 0, to: 1},
      {title: 'Length in training', axis: 'tokens', series: lengths, from: 0},
    ].map((panel) => ({...panel, ...trainingNote(training), steps: [0, steps] as const})),
  };
}

/** Curves with their bands, where there are any, else as they are. */
function trainingSeries(
  {curves, bands}: TrainingCurves,
  names: readonly (readonly [metric: string, name: string])[],
): Series[] {
  return names.flatMap(([metric, name]) => {
    const curve = bands[metric] ?? curves[metric];
    return curve === undefined ? [] : [{name, ...curve}];
  });
}

/** What bands of training curves are, where there are some. */
const trainingNote = ({bands}: TrainingCurves): Pick<Panel, 'note'> =>
  bands['length'] === undefined ? {} : {note: 'bands: ±1.96 standard errors over questions'};
const HELD_OUT_NOTE = 'bands: 95 % intervals over problems';

function trainingBand({bands, curves, steps}: TrainingCurves): string {
  const points = (bands['length'] ?? curves['length'])!.steps.length;
  const each = Math.ceil(steps / points);
  const point = each === 1 ? 'Each point is one step' : `Each point is the mean over ${each} neighbouring steps`;
  return bands['length'] === undefined
    ? `${point}.`
    : `${point}; bands reach 1.96 standard errors of that mean to either side, with the question as the unit. Every step draws other questions: the band shows how much these scatter, and no test is made of the curve.`;
}

/** How the completions of a training were drawn, which is not how held-out responses are. */
function drawnText({temperature, generalFrom}: TrainingCurves): string {
  const sampling =
    temperature === undefined
      ? ''
      : `Training draws at temperature ${temperature} and top-p 1, so these numbers are not those of held-out responses. `;
  const general =
    generalFrom === undefined
      ? ''
      : `After ${Number((100 * generalFrom).toFixed(1))} % of the steps general prompts come in: accuracy is of the questions that have an answer to check, length of the responses to all, and those to general prompts are of another length. `;
  return sampling + general;
}

/** Steps that the curve of accuracy has no point of, where there are some. */
function leftOutText({bands}: TrainingCurves): string {
  const leftOut = bands['accuracy']?.leftOut ?? 0;
  if (leftOut === 0) return '';
  return ` The curve of accuracy leaves out ${leftOut === 1 ? 'one step' : `${leftOut} steps`} in which a single question had an answer to check, since nothing shows how much such a mean scatters.`;
}

/** The paper's Figure 2: accuracy on held-out problems over the steps. */
function accuracyFigure(progress: TrainingProgress, report: Report): ReportFigure {
  const {node, points} = progress;
  const cons = points[0]!.scores.find(({metric}) => metric.startsWith('cons@'))?.metric;
  const metrics = ['pass@1', ...(cons === undefined ? [] : [cons])];
  const steps = [0, points.at(-1)!.step] as const;
  const levels = [...new Set(points.flatMap((point) => point.levels.map(({level}) => level)))].sort((a, b) => a - b);
  const byLevel = levels.map((level): Series => ({
    name: `level ${level}`,
    ...curveOver(points, (point) => point.levels.find((one) => one.level === level)?.score),
  }));
  const references = referencesOf(progress, report, 'pass@1', (value) => value.toFixed(3));
  const consText =
    cons === undefined
      ? ''
      : ` ${cons}: share of problems for which the most frequent of ${cons.slice(5)} answers is right; a tie among t answers counts 1/t if the right one is among them.`;
  const ofLevels =
    levels.length === 0
      ? ''
      : ' Lower panel: pass@1 by level, which is the number of steps that the solution of a problem takes, with bands of the same kind.';
  return {
    node,
    file: fileOf(node, '-accuracy'),
    title: `${node}: accuracy on held-out problems over training`,
    caption: `As the paper’s Figure 2: accuracy of ${node} on held-out problems over its training. ${STEP} ${askedText(progress)} pass@1: share of right answers, averaged over the responses to a problem, then over problems.${consText} ${OVER_PROBLEMS} ${dashedText(progress, 'pass@1')}${ofLevels}`,
    panels: [
      {
        ...{title: 'Accuracy on held-out problems', note: HELD_OUT_NOTE, axis: 'share right'},
        ...{from: 0, to: 1, steps, references},
        series: metrics.map((metric) => ({name: metric, ...curveOver(points, (point) => scoreIn(point, metric))})),
      },
      ...(levels.length === 0
        ? []
        : [
            {
              title: 'pass@1 by level',
              note: HELD_OUT_NOTE,
              axis: 'share right',
              from: 0,
              to: 1,
              steps,
              series: byLevel,
            },
          ]),
    ],
  };
}

/** The paper's Figure 3: length over the steps, in training and on held-out problems, over one scale. */
function lengthFigure(progress: TrainingProgress, training: TrainingCurves, report: Report): ReportFigure {
  const {node, points} = progress;
  const trained = trainingSeries(training, LENGTHS);
  const heldOut = LENGTHS.flatMap(([metric, name]) => {
    const curve = curveOver(points, (point) => scoreIn(point, metric));
    return curve.steps.length === 0 ? [] : [{name, ...curve}];
  });
  const references = referencesOf(progress, report, 'length', (value) => value.toFixed(1));
  const highest = Math.max(
    ...[...trained, ...heldOut].flatMap(({values, high = []}) => [...values, ...high]),
    ...references.map(({value}) => value),
  );
  const scale = {axis: 'tokens', from: 0, to: highest * 1.05, steps: [0, points.at(-1)!.step] as const};
  return {
    node,
    file: fileOf(node, '-length'),
    title: `${node}: length of responses over training`,
    caption: `As the paper’s Figure 3: length of the responses of ${node} over its training. ${STEP} ${LENGTH} Upper panel: responses to its training questions. ${drawnText(training)}${trainingBand(training)} Lower panel: responses to held-out problems. ${askedText(progress)} ${OVER_PROBLEMS} ${dashedText(progress, 'mean length of the whole response')} The figure does not show that longer thinking causes better answers.`,
    panels: [
      {title: 'Length in training', ...trainingNote(training), series: trained, ...scale},
      {title: 'Length on held-out problems', note: HELD_OUT_NOTE, series: heldOut, references, ...scale},
    ],
  };
}

const scoreIn = (
  {scores}: Pick<ProgressPoint, 'scores'>,
  wanted: string,
): ProgressPoint['scores'][number] | undefined => scores.find(({metric}) => metric === wanted);

/** A metric at the points that have it. */
function curveOver(
  points: readonly ProgressPoint[],
  of: (point: ProgressPoint) => ProgressPoint['scores'][number] | undefined,
): Omit<Series, 'name'> {
  const found = points.flatMap((point) => {
    const score = of(point);
    return score === undefined ? [] : [{step: point.step, ...score}];
  });
  return {
    steps: found.map(({step}) => step),
    values: found.map(({mean}) => mean),
    low: found.map(({low}) => low),
    high: found.map(({high}) => high),
    isMarked: true,
  };
}

/** The model at step 0, and those that the recipe puts beside the training. */
function referencesOf(
  {points, beside}: TrainingProgress,
  {models}: Report,
  metric: string,
  number: (value: number) => string,
): Reference[] {
  return [points[0]!, ...beside].flatMap(({node, scores}) => {
    const score = scoreIn({scores}, metric);
    const paper = models.find((model) => model.node === node)?.paper;
    const name = paper === undefined ? node : `${node} (${paper})`;
    return score === undefined ? [] : [{name: `${name}: ${metric} ${number(score.mean)}`, value: score.mean}];
  });
}

/** What the dashed lines are, each model with how it was asked where that is not as the curve. */
function dashedText({points, beside, asked}: TrainingProgress, what: string): string {
  const models = beside.map(({node, asked: its}) => (its === asked ? node : `${node} (asked under \`${its}\`)`));
  return `Dashed: ${what} of ${listText([`${points[0]!.node} (step 0)`, ...models])}, on the same problems.`;
}

/** Which models were asked how many problems, how often and how; where that is less than the tables are made of, it says so. */
function askedText({points, asked, temperature, topP, problems, problemsAtEnds}: TrainingProgress): string {
  const least = Math.min(...points.map(({samples}) => samples));
  const most = Math.max(...points.map(({samples}) => samples));
  const isLess = problems < problemsAtEnds || least < most;
  const fewer =
    problems < problemsAtEnds
      ? ` (those of the ${problemsAtEnds} held-out problems that all of these models were asked)`
      : '';
  const responses = least === most ? String(least) : `${least} to ${most}`;
  const cheaper = isLess ? ' The other tables of this report rest on more problems or responses.' : '';
  return `The models after steps ${listText(points.map(({step}) => String(step)))} were evaluated; these steps were fixed before the run. Each was asked the same ${problems} problems${fewer}, ${responses} responses to each, under the template \`${asked}\` at temperature ${temperature} and top-p ${topP}.${cheaper}`;
}

/** `a, b and c` */
const listText = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)!}`;
