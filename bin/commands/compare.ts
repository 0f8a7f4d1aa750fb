/** `r1 compare`: models, nodes or runs beside each other, each against the first: scores, problems, responses, curves, and the cause. */
import {Command} from 'commander';

import {UserError} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import type {Reader} from '../access/compare-models.js';
import type {Compared} from '../access/compared.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {listed, runNumbers} from '../options/lists.js';
import {fitted} from '../terminal/columns.js';

interface CompareOptions extends GlobalOptions {
  readonly run?: readonly number[];
  readonly metric?: readonly string[];
  readonly curve?: string;
}

export const compareCommand = (services: Services): Command =>
  withGlobals(new Command('compare'), [
    'r1 compare base zero-rl',
    'r1 compare 1/zero-rl 2/zero-rl --metric pass@1 --curve length',
    'r1 compare 1 2',
    'r1 compare base zero-rl all-scenario-rl --run 1,2,3',
  ])
    .description(
      'models or runs beside each other: scores with paired intervals, problems won and lost, curves, the first cause',
    )
    .argument(
      '<models...>',
      'two or more: models, nodes that made or evaluated one, or numbers of runs; the first is the baseline',
    )
    .option(
      '--run <n>',
      'the run of models that name none; several (1,2,3 or 1..3; repeats) show the spread over seeds',
      runNumbers,
    )
    .option('--metric <name>', 'only this metric (repeats, or a,b); all for every one', listed)
    .option('--curve <name>', 'the curve of the trainings to draw (default: accuracy, reward or loss)')
    .addHelpText(
      'after',
      '\nA difference is the other − the baseline, paired on the problems that both were asked; higher and lower mean that 0 is outside\n' +
        'of its interval at 95 %. Numbers of runs compare every model that both have scores of, by name.',
    )
    .action(async (references: readonly string[], options: CompareOptions) => {
      const kind = kindOf(references, options);
      await withStore(services, options, 'read', async (store) => {
        const {openReader} = await import('../access/compare-models.js');
        const read = openReader(store, services.progress);
        const answer = await ANSWERS[kind]({services, store, references, options, read});
        services.progress(undefined);
        services.say(options.json === true ? JSON.stringify(answer.json()) : fitted(answer.text(), services));
      });
    });

const isRun = (text: string): boolean => /^\d+$/.test(text);

/** @throws UserError bad-argument for what does not go together */
function kindOf(references: readonly string[], {run, curve}: CompareOptions): Kind {
  const wrong = (message: string, hint: string): UserError => new UserError('bad-argument', message, {hint});
  if (references.length < 2)
    throw wrong('compare takes two or more: models, or numbers of runs', `r1 compare ${references[0]!} OTHER`);
  if (references.length > MOST) throw wrong(`compare takes at most ${MOST}`, 'r1 scores shows all models of a run');
  const runs = references.filter(isRun);
  if (runs.length > 0 && runs.length < references.length)
    throw wrong('a run cannot be compared with a model', 'give numbers of runs, or models: 1/zero-rl is that of run 1');
  if (runs.length > 0 && run !== undefined)
    throw wrong('--run is for models; these are numbers of runs', 'leave out --run');
  if (runs.length > 0 && new Set(runs.map(Number)).size < runs.length)
    throw wrong('a run is named twice', 'a run compared with itself is equal');
  if (run !== undefined) {
    const placed = references.find((reference) => /^\d+\/|^@|[/\\]/.test(reference));
    if (placed !== undefined)
      throw wrong(`${placed} says itself where it is`, 'leave out --run, or what stands before the slash');
  }
  const kind = runs.length > 0 ? 'runs' : (run?.length ?? 0) > 1 ? 'seeds' : 'models';
  if (curve !== undefined && kind !== 'models')
    throw wrong('--curve is for models of one run each', 'name them: 1/zero-rl 2/zero-rl');
  return kind;
}

/** Letters name them. */
const MOST = 12;

type Kind = 'models' | 'runs' | 'seeds';

interface Given {
  readonly services: Services;
  readonly store: Store;
  readonly references: readonly string[];
  readonly options: CompareOptions;
  readonly read: Reader;
}

interface Answer {
  json(): unknown;
  text(): string;
}

const ANSWERS: Readonly<Record<Kind, (given: Given) => Promise<Answer>>> = {
  async models({services, store, references, options, read}) {
    const {findCompared} = await import('../access/compared.js');
    const {compareModels} = await import('../access/compare-models.js');
    const {modelsJson} = await import('../render/compare-json.js');
    const {modelsText} = await import('../render/compare-models.js');
    const models: Compared[] = [];
    for (const reference of references) models.push(await findCompared(store, reference, options.run?.[0]));
    const compared = await compareModels(store, models, {...options, read});
    return {json: () => modelsJson(compared), text: () => modelsText(compared, services)};
  },

  async seeds({services, store, references, options: {run: numbers = [], metric}, read}) {
    const {compareOverRuns} = await import('../access/compare-seeds.js');
    const {seedsJson} = await import('../render/compare-json.js');
    const {seedsText} = await import('../render/compare-seeds.js');
    const wish = metric === undefined ? {} : {metric};
    const compared = await compareOverRuns(store, references, {numbers, read, ...wish});
    return {json: () => seedsJson(compared), text: () => seedsText(compared, {...drawing(services), metrics: metric})};
  },

  async runs({services, store, references, options: {metric}, read}) {
    const {compareAllRuns} = await import('../access/compare-runs.js');
    const {runsJson} = await import('../render/compare-json.js');
    const {runsText} = await import('../render/compare-runs.js');
    const compared = await compareAllRuns(store, references.map(Number), {
      read,
      ...(metric === undefined ? {} : {metric}),
    });
    return {json: () => runsJson(compared), text: () => runsText(compared, {...drawing(services), metrics: metric})};
  },
};

const drawing = ({width, colours}: Services): {width: number; colours: boolean} => ({width, colours});
