/**
 * A model on a benchmark: a suite says which file, how it is asked, graded and measured, and what the paper printed. None of the
 * benchmarks is shipped; their files are sources of the recipe.
 */
import {join} from 'node:path';
import {declareParams, described} from '../pipeline/params.js';
import {optional, defineStage, Stopped} from '../pipeline/stage.js';
import {FORMATS} from './data/import/params.js';
import {endpointCautions, endpointMistakes, endpointParams} from './endpoint/params.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {COUNT_OR_NONE, SEED} from './common-params.js';
import {writeJson, writeRows} from './data/rows.js';
import type {Role, Suite, SuiteFiles} from './suites/index.js';

/**
 * Samples a model on the problems of a benchmark and scores it as its suite says: k samples at temperature 0.6 and top-p 0.95 unless
 * the suite says otherwise (DeepSeek-R1, arXiv 2501.12948, §3). `scores` holds `scores.json`, with the paper's numbers and why they
 * may not be compared, and a row for each response; a report prints them beside the others.
 */
export const bench = defineStage({
  module: import.meta.url,
  name: 'bench',
  summary: 'A benchmark of the paper, or one of your own, from its published file',
  tensor: true,
  // As in `evaluate`: all models meet the same draws.
  seedless: true,
  resources: {memory: 2400},
  inputs: {
    /** The model, unless one at an endpoint answers. */
    model: optional('model'),
    /** The file or folder of the questions. */
    data: 'data',
    /** Other files, of suites that want them. */
    shots: optional('data'),
    baseline: optional('data'),
    standings: optional('data'),
    ratings: optional('data'),
    difficulties: optional('data'),
    /** The prompt of a judge, in the place of the suite’s. */
    rubric: optional('data'),
    /** A suite of one's own, TOML or JSON, in the place of one that is shipped. */
    suite: optional('data'),
  },
  outputs: {scores: 'scores'},
  ...declareParams({
    suite: described('', 'The name of a suite that is shipped; "" where one is wired to the input suite.'),
    samples: described(
      0,
      'Responses to each problem; 0 is what the suite says, anything else is told as not the paper’s.',
      COUNT_OR_NONE,
    ),
    maxNewTokens: described(0, 'Tokens of the longest response; 0 is what the suite says.', COUNT_OR_NONE),
    format: described(
      'auto',
      'Format of the questions, where their beginning does not tell: rows with a list of `examples` want jsonl.',
      FORMATS,
    ),
    limit: described(0, 'So many problems, drawn by the seed; 0 is all of them.', COUNT_OR_NONE),
    ...GRADING,
    ...endpointParams('endpoint'),
    evaluationSeed: described(
      20260103,
      'Seed of the sampling, the order of choices, the examples, and the bootstrap of ratings; in the place of a run’s seed.',
      SEED,
    ),
  }),
  caution: (params) => [
    ...endpointCautions(
      params,
      params.samples === 0 ? 'as many a problem as the suite says' : `${params.samples} a problem`,
    ),
    ...gradingCautions(params, 'all that are sampled'),
  ],
  check: ({params, inputs}) => [
    ...endpointMistakes(params, {port: 'model', inputs, templates: ['chat']}),
    ...judgeMistakes(params.judge),
    ...((params.suite === '') === inputs.includes('suite')
      ? []
      : ['name a suite that is shipped by the param suite, or wire one of your own to the port suite: one of the two']),
  ],
  // Of the model alone: judges and programs of the sandbox are processes of their own, and nobody knows what these take.
  async memory({inputs, params, threads, cores}) {
    const [{suiteNeed}, suite] = await Promise.all([import('./suites/index.js'), suiteOf(inputs, params)]);
    const {evaluationSeed: seed, format} = params;
    const files = filesOf(inputs);
    return suiteNeed({model: inputs.model, suite, files, ...chosen(params), format, seed, threads, cores});
  },
  async run(context) {
    const {inputs, outputs, params, threads, cores, progress, note} = context;
    const [{endpointModel, localModel, runSuite}, {weightsDigest}, {serverOf}, suite] = await Promise.all([
      import('./suites/index.js'),
      import('./model/hf-folder/index.js'),
      import('./endpoint/server.js'),
      suiteOf(inputs, params),
    ]);
    const {format, judge, sandbox, evaluationSeed: seed} = params;
    // Looked at for an endpoint alone, whose answers are kept: a model of this machine is ended at once.
    const stop = inputs.model === undefined ? context.signal : undefined;
    const result = await runSuite(suite, {
      files: filesOf(inputs),
      askModel:
        inputs.model === undefined
          ? endpointModel(serverOf(params.endpointServer), {...params, checkpoints: context.checkpoints, note})
          : localModel(inputs.model, {threads, cores, note}),
      ...chosen(params),
      ...{format, seed, cores, note},
      grading: {judge, sandbox},
      done: (step, total, tokens) => progress({step, total, ...(tokens === undefined ? {} : {tokens})}),
      stop,
    }).catch((error: unknown) => {
      throw stop?.aborted === true ? new Stopped() : error;
    });
    await writeRows(
      outputs.scores,
      result.samples.map((one) => ({id: `${one.prompt}#${one.sample}`, from: [one.prompt], ...one})),
    );
    const {suite: name, title, settings, scores, paper, differs, notes, usage} = result;
    const {template, temperature, topP, samples: k, prefill = '', system, suffix, stop: ends} = settings;
    await writeJson(join(outputs.scores, 'scores.json'), {
      format: 'r1-scores-1',
      model: inputs.model === undefined ? params.endpoint : await weightsDigest(inputs.model),
      ...{template, prefill, temperature, topP, k, scores},
      ...(system === undefined ? {} : {system}),
      ...(suffix === undefined ? {} : {suffix}),
      ...(ends === undefined ? {} : {stop: ends}),
      ...(usage === undefined ? {} : {endpoint: {server: params.endpointServer, usage}}),
      suite: {name, title, settings, paper, differs, notes},
    });
    for (const {metric, mean, low, high} of scores.filter((one) => !['unparsable', 'truncated'].includes(one.metric)))
      note(`${title}: ${metric} ${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`);
    if (differs.length > 0) note(`not comparable with the paper: ${differs.join('; ')}`);
  },
});

/** Its own file, or one that is shipped. */
async function suiteOf(inputs: {readonly suite: string | undefined}, params: {readonly suite: string}): Promise<Suite> {
  const {readSuite, shippedSuite} = await import('./suites/index.js');
  return inputs.suite === undefined ? shippedSuite(params.suite) : readSuite(inputs.suite, 'suite');
}

/** Files by what they are, each called as its port. */
const filesOf = (inputs: {readonly data: string} & Readonly<Partial<Record<Role, string | undefined>>>): SuiteFiles => {
  const {data, shots, baseline, standings, ratings, difficulties, rubric} = inputs;
  return Object.fromEntries(
    Object.entries({questions: data, shots, baseline, standings, ratings, difficulties, rubric}).flatMap(
      ([role, path]) => (path === undefined ? [] : [[role, [{path, name: role === 'questions' ? 'data' : role}]]]),
    ),
  );
};

/** What is not left to the suite. */
const chosen = ({
  samples,
  maxNewTokens,
  limit,
}: Readonly<Record<'samples' | 'maxNewTokens' | 'limit', number>>): {
  readonly asking: {readonly samples?: number; readonly maxNewTokens?: number};
  readonly limit: number | undefined;
} => ({
  asking: {...(samples === 0 ? {} : {samples}), ...(maxNewTokens === 0 ? {} : {maxNewTokens})},
  limit: limit === 0 ? undefined : limit,
});
