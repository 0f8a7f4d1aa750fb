/** Comparisons as JSON. Bounds that there are not are null; numbers of curves that are none are strings, as in `r1 metrics --json`. */
import type {Run} from '../../artifacts/index.js';
import type {ModelsComparison, StoredComparison} from '../access/compare-models.js';
import type {RunPair, RunsComparison} from '../access/compare-runs.js';
import type {SeedsComparison} from '../access/compare-seeds.js';
import type {Compared} from '../access/compared.js';
import type {FoundEvaluation} from '../access/evaluations.js';
import {isDrawn} from '../access/training-curves.js';
import {letterOf} from './compare-parts.js';

const runJson = ({id, recipe, seed}: Run): unknown => ({run: id, recipe, seed});

const evaluationJson = ({run, name, paper, node, artifact, model}: FoundEvaluation): object => ({
  ...{run: run.id, recipe: run.recipe, seed: run.seed, name, ...(paper === undefined ? {} : {paper})},
  ...{evaluation: node, scores: artifact, model: model ?? null},
});

const modelJson = ({reference, evaluation, others}: Compared, place: number): unknown => ({
  ...{letter: letterOf(place), reference},
  ...evaluationJson(evaluation),
  others: others.map(({run, node}) => `${run.id}/${node}`),
});

/** What is compared, and each of the others against the first. */
export const modelsJson = ({models, pairs, curves}: ModelsComparison): unknown => ({
  models: models.map(modelJson),
  pairs: pairs.map((pair, index) => ({baseline: 'A', other: letterOf(index + 1), ...pair})),
  ...(!isDrawn(curves)
    ? {}
    : {
        curves: {
          metric: curves.metric,
          points: Object.fromEntries(
            curves.points.map((points, place) => [
              letterOf(place),
              points.map(({step, value}) => ({step, value: Number.isFinite(value) ? value : String(value)})),
            ]),
          ),
        },
      }),
});

/** Without the list of problems: there is one for each model. */
function briefly({answers, ...comparison}: StoredComparison): object {
  if (answers === undefined) return comparison;
  const {changes: _, ...counts} = answers;
  return {...comparison, answers: counts};
}

/** Two runs. */
export const runPairJson = ({baseline, other, models, onlyBaseline, onlyOther, first}: RunPair): unknown => ({
  baseline: runJson(baseline),
  other: runJson(other),
  models: models.map(({name, evaluations: [one, two], comparison}) => ({
    name,
    baseline: evaluationJson(one),
    other: evaluationJson(two),
    ...(comparison === undefined ? {isSame: true} : briefly(comparison)),
  })),
  ...{onlyBaseline, onlyOther, first: first ?? null},
});

/** Runs, each of the others against the first, and the spread over seeds. */
export const runsJson = ({pairs, spreads}: RunsComparison): unknown => ({
  overSeeds: spreads.flatMap(({runs, rows}) => rows.map((row) => ({runs: runs.map(({id}) => id), ...row}))),
  pairs: pairs.map(runPairJson),
});

/** The models in each run, and their differences over the seeds. */
export const seedsJson = ({runs, seeds, spread}: SeedsComparison): unknown => ({
  seeds: seeds.map(runJson),
  overSeeds: spread.map(({other, ...row}) => ({baseline: 'A', other: letterOf(other), ...row})),
  runs: runs.map(({run, models, pairs}) => ({
    ...(runJson(run) as object),
    models: models.map(modelJson),
    pairs: pairs.map((pair, index) => ({baseline: 'A', other: letterOf(index + 1), ...briefly(pair)})),
  })),
});
