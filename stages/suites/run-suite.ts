/** A suite from its files to its scores: problems, answers, verdicts, measures. */
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import type {Format} from '../data/import/params.js';
import {judgeSample, outcomeCounts, type Sample, type Score} from '../evaluation/index.js';
import type {GradingSettings} from '../graders/settings.js';
import {checkReferences, prepareGraders} from '../graders/registry.js';
import {withScorer, type Scored, type ScorerItem} from '../rewards/index.js';
import {builtInTasks} from '../tasks/built-in.js';
import type {Prompt} from '../tasks/prompt.js';
import {taskOf} from '../tasks/task.js';
import type {Completion} from '../text/completion.js';
import {wordingMistakes} from '../text/wording.js';
import type {Answer, AskModel, Asking} from './ask.js';
import {contestMeasures, contestsOf} from './contests.js';
import {ballotsOf, canVote, consensusOf, withEquality} from './consensus.js';
import {measure, scoreOf} from './measures.js';
import {baselineOf, gamesOf, winRate} from './pairs.js';
import {openPairs} from './preferences.js';
import {readProblems, type SuiteFiles} from './problems.js';
import {readLine} from './read-line.js';
import {differences, paperScores, type SuiteResult, type SuiteSample, type SuiteSettings} from './result.js';
import {OF_CONTESTS, type Suite} from './suite.js';

export interface SuiteOptions {
  readonly files: SuiteFiles;
  readonly askModel: AskModel;
  /** What is chosen in the place of what the suite says. */
  readonly asking: Partial<Pick<Asking, 'template' | 'samples' | 'temperature' | 'topP' | 'maxNewTokens'>>;
  /** Of the questions, where their beginning does not tell. */
  readonly format?: Format | undefined;
  /** So many problems, drawn by the seed. */
  readonly limit?: number | undefined;
  /** Of the draws, the order of choices, the examples, and the bootstraps of ratings and of length-controlled rates. */
  readonly seed: number;
  readonly grading: GradingSettings;
  readonly cores: number;
  readonly note: (text: string) => void;
  /** As of `Asking`. */
  readonly done: Asking['done'];
  readonly stop?: AbortSignal | undefined;
}

/**
 * Asks a suite's problems and scores the answers.
 *
 * @throws {StageFailure} where a file is not what the suite wants, a grader or the model cannot work
 */
export async function runSuite(suite: Suite, options: SuiteOptions): Promise<SuiteResult> {
  const {files, askModel, format, limit, seed, cores, note, done, stop} = options;
  const grading = gradingOf(suite, options.grading);
  const asking = {...suite.ask, ...options.asking};
  const {template, samples, temperature, topP, maxNewTokens, system, suffix, prefill, stop: ends} = asking;
  const around = {system, suffix, prefill, stop: ends};
  // The template may be another than that of the suite, with which they went together.
  const [mistake] = wordingMistakes({...around, template, shots: []});
  if (mistake !== undefined) throw new StageFailure(`“ask” of ${suite.title}: ${mistake}`);
  const problems = await readProblems(suite, files, {limit, seed, format, note, sandbox: grading.sandbox});
  const {prompts, total} = problems;
  const baseline = suite.grade.pairs ? await baselineOf(suite, prompts, files.baseline) : [];
  const pairs = suite.grade.preference
    ? await openPairs(suite, problems, {files, judge: grading.judge!, note, stop})
    : undefined;
  if (pairs === undefined) {
    await prepareGraders(prompts, {...grading, cores, note});
    await checkReferences(prompts, {...grading, cores, note});
  }
  const {
    answers,
    room,
    usage,
    differs = [],
  } = await askModel(prompts, {
    ...{template, samples, temperature, topP, maxNewTokens},
    ...around,
    ...{seed, done, signal: stop},
  });
  if (room !== undefined) note(`the model has room for ${room} tokens a response, not ${maxNewTokens}`);
  const {
    groups,
    score: ofPairs,
    notes: told,
  } = pairs !== undefined
    ? await pairs.judge(answers, seed)
    : suite.grade.pairs
      ? {...(await played(suite, prompts, answers, {...options, grading, baseline})), notes: []}
      : {groups: await judged(suite, prompts, answers, {...options, grading}), score: [], notes: []};
  const all = groups.flat();
  const counted = outcomeCounts(all);
  if (counted !== undefined) note(counted);
  const judge = suite.grade.task === 'judge' ? grading.judge?.model : undefined;
  const settings: SuiteSettings = {
    ...{template, samples, temperature, topP},
    maxNewTokens: room ?? maxNewTokens,
    ...Object.fromEntries(Object.entries(around).filter(([, value]) => value.length > 0)),
    problems: prompts.length,
    of: total,
    ...(judge === undefined ? {} : {judge}),
    ...(pairs?.baseline === undefined ? {} : {baseline: pairs.baseline}),
  };
  const isOfContests = suite.measure.metrics.some((metric) => OF_CONTESTS.includes(metric));
  const scores = [
    ...ofPairs,
    ...(isOfContests ? await contestMeasures(suite, problems, groups, {files, seed}) : []),
    ...measure(suite.measure.metrics, groups),
    ...(await consensus(suite, prompts, groups, {...options, grading})),
  ];
  const {consensus: paperK} = suite.measure;
  return {
    suite: suite.name,
    title: suite.title,
    settings,
    scores,
    paper: paperScores(suite),
    differs: suite.paper === undefined ? [] : [...differences(suite, settings), ...(pairs?.differs ?? []), ...differs],
    notes: [
      ...(suite.paper?.notes ?? []),
      ...told,
      ...(isOfContests ? [`contests: ${contestsOf(problems).join(', ')}`] : []),
      ...(paperK === undefined && scores.some(({metric}) => metric.startsWith('cons@'))
        ? ['cons@k is ours: the paper has it of AIME 2024 alone']
        : []),
    ],
    ...(usage === undefined ? {} : {usage}),
    samples: withServed(all, prompts, answers),
  };
}

/** What the suite says of its judge, and what the person chose. @throws {StageFailure} nobody is named who judges */
function gradingOf({title, grade}: Suite, grading: GradingSettings): GradingSettings {
  if (grade.task !== 'judge') return grading;
  if ((grading.judge?.model ?? '') === '')
    throw new StageFailure(
      `the answers of ${title} are read by a judge, and nobody is named who judges` +
        (grade.judge === undefined ? '' : `; the paper had ${grade.judge}`),
    );
  return {...grading, judge: {...grading.judge, points: grade.points}};
}

/** The samples with how each came about, where a server answered. */
function withServed(
  samples: readonly Sample[],
  prompts: readonly Prompt[],
  answers: readonly (readonly Answer[])[],
): SuiteSample[] {
  const placeOf = new Map(prompts.map(({id}, index) => [id, index]));
  return samples.map((one) => {
    const served = answers[placeOf.get(one.prompt)!]![one.sample]!.served;
    return served === undefined ? one : {...one, served};
  });
}

/** Each answer beside the baseline's, in both orders. */
async function played(
  suite: Suite,
  prompts: readonly Prompt[],
  answers: readonly (readonly Answer[])[],
  {baseline, ...options}: SuiteOptions & {readonly baseline: readonly string[]},
): Promise<ReturnType<typeof winRate>> {
  const games = gamesOf(suite, prompts, answers, baseline);
  options.note(`a judge looks at ${games.length} pairs of replies`);
  const verdicts = await scoredBy(games, options);
  let game = 0;
  const groups = prompts.map((prompt, index) =>
    answers[index]!.map(({completion, tokens}, sample) => {
      const scored = verdicts[game]!;
      game += 2;
      return judgeSample(prompt, completion, {sample, tokens, task: taskOf(builtInTasks, prompt), scored});
    }),
  );
  return winRate(groups, verdicts);
}

/** What the rewards say. */
const scoredBy = (
  items: readonly ScorerItem[],
  {grading, cores, note, stop}: Pick<SuiteOptions, 'grading' | 'cores' | 'note' | 'stop'>,
): Promise<Scored[]> =>
  withScorer({weights: {}, signal: stop, stopAfterMs: 0, grading, cores, note}, (scorer) => scorer.score(items)).catch(
    (error: unknown) => {
      throw error instanceof Stopped && stop?.aborted === true ? stop.reason : error;
    },
  );

/** The verdict on each answer, prompt by prompt. */
async function judged(
  suite: Suite,
  prompts: readonly Prompt[],
  answers: readonly (readonly Answer[])[],
  options: SuiteOptions,
): Promise<Sample[][]> {
  const read = (completion: Completion): Completion =>
    suite.grade.read === 'line' ? readLine(completion) : completion;
  const items = prompts.flatMap((prompt, index) =>
    answers[index]!.map(({completion, tokens}, sample) => ({prompt, completion: read(completion), tokens, sample})),
  );
  if (prompts.some((prompt) => taskOf(builtInTasks, prompt).answer?.external !== undefined))
    options.note(`grading ${items.length} responses`);
  const scored = await scoredBy(
    items.map(({prompt, completion}) => ({prompt, completion})),
    options,
  );
  const groups = prompts.map((): Sample[] => []);
  const placeOf = new Map(prompts.map(({id}, index) => [id, index]));
  items.forEach(({prompt, completion, tokens, sample}, index) => {
    const task = taskOf(builtInTasks, prompt);
    const one = judgeSample(prompt, completion, {sample, tokens, task, scored: scored[index]!});
    groups[placeOf.get(prompt.id)!]!.push(one);
  });
  return groups;
}

/** cons@k, where answers can vote and there are several: at the paper's k, else at as many as there are. */
async function consensus(
  suite: Suite,
  prompts: readonly Prompt[],
  groups: readonly (readonly Sample[])[],
  {grading, cores, note, seed}: SuiteOptions,
): Promise<Score[]> {
  const most = Math.min(...groups.map(({length}) => length));
  if (!canVote(suite.grade.task) || most < 2) return [];
  const k = Math.min(suite.measure.consensus ?? most, most);
  const ballots = await withEquality(suite.grade.task, {...grading, cores, note}, (equal) =>
    ballotsOf(prompts, groups, equal),
  );
  const values = ballots.map((ballot, index) => [consensusOf(ballot, k, seed, index)]);
  return [scoreOf(`cons@${k}`, values, groups.flat().length)];
}
