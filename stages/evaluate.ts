/**
 * Evaluation as the paper's section 3 has it: k samples for each held-out problem at temperature 0.6, top-p 0.95, not
 * greedy. Scores come with 95 % intervals, and with the verdict on every single sample, so that two models can be compared
 * on the same problems afterwards.
 */
import {join} from 'node:path';
import {declareParams, described} from '../pipeline/params.js';
import {optional, defineStage} from '../pipeline/stage.js';
import {readPrompts, writeJson, writeRows} from './data/rows.js';
import {endpointCautions, endpointMistakes, endpointParams} from './endpoint/params.js';
import {CHOICE_SCORING} from './evaluation/choice-params.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {COUNT, COUNT_OR_NONE, SEED, SPECIAL_IN_PROMPTS, temperature, topP} from './common-params.js';
import {JUDGING_TIME} from './rewards/names.js';
import {ASKING, askingMistakes} from './tasks/asking.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import {template} from './text/template-names.js';
import type {Compute} from './train/compute.js';

/**
 * Samples a model on held-out problems, k responses each at temperature 0.6 and top-p 0.95, and scores them with 95 %
 * intervals: pass@1, cons@k and the rest of `evaluation/metrics.ts` (DeepSeek-R1, arXiv 2501.12948, §3). `scores` holds
 * `scores.json` and a row for each response.
 */
export const evaluate = defineStage({
  module: import.meta.url,
  name: 'evaluate',
  summary: 'pass@1, pass@k, cons@k, format, language, length, helpful and safe on held-out prompts',
  tensor: true,
  // The draws are keyed by the problem and the sample alone: all models of all runs meet the same ones.
  seedless: true,
  resources: {memory: 1200},
  inputs: {model: optional('model'), prompts: 'prompts', general: optional('prompts')},
  outputs: {scores: 'scores'},
  ...declareParams({
    template: template('chat'),
    ...SPECIAL_IN_PROMPTS,
    ...ASKING,
    prompts: described(
      0,
      'Problems that are asked, the first ones; 0 for all of them. Of general prompts all are.',
      COUNT_OR_NONE,
    ),
    samples: described(16, 'Responses to each problem: the k of pass@k and cons@k.', COUNT),
    temperature: temperature(0.6),
    topP: topP(0.95),
    maxNewTokens: described(
      32_768,
      'Tokens, the end token included; a response that is cut off counts as wrong.',
      COUNT,
    ),
    // A chunk that is not full is filled up with rows that nobody looks at, as the last bits of the others depend on how many
    // there are.
    chunk: described(
      8,
      'Prompts in one native call. The last bits of what is sampled depend on it; fewer prompts than this are sooner drawn with a chunk of as many.',
      COUNT,
    ),
    ...JUDGING_TIME,
    ...GRADING,
    ...endpointParams('endpoint'),
    ...CHOICE_SCORING,
    evaluationSeed: described(20260103, 'Seed of the sampling, in the place of a run’s seed.', SEED),
  }),
  definitions: {tasks: 'task'},
  caution: (params) => [
    ...endpointCautions(params, `${params.samples} a prompt`),
    ...gradingCautions(params, `${params.samples} a prompt`),
  ],
  check: ({params, ...wired}) => [
    ...askingMistakes(params),
    ...endpointMistakes(params, {port: 'model', inputs: wired.inputs, templates: ['chat']}),
    ...(params.endpoint === '' || params.choiceScores === 'none'
      ? []
      : ['choiceScores: an endpoint does not say how likely a text is; leave out choiceScores']),
    ...judgeMistakes(params.judge),
    ...taskMistakes(wired),
  ],
  async memory({inputs, params, threads, cores}) {
    const {samplerNeedBefore} = await import('./memory/sampling.js');
    return samplerNeedBefore({
      model: inputs.model,
      prompts: [inputs.prompts, inputs.general ?? []].flat(),
      // Of general prompts all are asked, whatever `prompts` is.
      params: inputs.general === undefined ? params : {...params, prompts: 0},
      threads,
      cores,
    });
  },
  async run(context) {
    const {inputs, outputs, params, definitions, threads, cores, progress, note} = context;
    const [
      {judgeRollouts, outcomeCounts, scoreChoices, scoreSamples},
      {askedOf},
      {intervalText},
      {weightsDigest},
      {openSource},
      {tasksWith},
    ] = await Promise.all([
      import('./evaluation/index.js'),
      import('./evaluation/asked.js'),
      import('./evaluation/intervals.js'),
      import('./model/hf-folder/index.js'),
      import('./rollout/source.js'),
      import('./tasks/load-tasks.js'),
    ]);
    const tasks = await tasksWith(definitions.tasks);
    const source = await openSource({
      ...params,
      ...{model: inputs.model, tasks, threads, cores, context, note},
    });
    let before = 0;
    const count = params.prompts === 0 ? undefined : params.prompts;
    const drawSamples = async (
      given: {readonly prompts: string; readonly count?: number | undefined},
      purpose: string,
      offset: number,
      share: number,
    ) =>
      source.draw({
        ...given,
        key: {seed: params.evaluationSeed, purpose},
        done: (step, total, tokens) =>
          progress({
            step: Math.round(1000 * (offset + (share * step) / total)),
            total: 1000,
            ...(tokens === undefined ? {} : {tokens: before + tokens}),
          }),
      });
    const {choiceScores: by} = params;
    // First, as prompts without choices are found out by it.
    const choices =
      by === 'none' || inputs.model === undefined
        ? undefined
        : await scoreChoices(inputs.model, (await readPrompts(inputs.prompts, tasks)).slice(0, count), {
            ...params,
            by,
            threads,
          });
    const part = inputs.general === undefined ? 1 : 0.7;
    const {groups, usage, generatedTokens, parameters} = await drawSamples(
      {prompts: inputs.prompts, count},
      'evaluate/reasoning',
      0,
      part,
    );
    before = generatedTokens;
    const general =
      inputs.general === undefined
        ? undefined
        : await drawSamples({prompts: inputs.general}, 'evaluate/general', part, 1 - part);
    source.close();
    groups.push(...(general?.groups ?? []));
    const rollouts = groups.flat();
    const samples = await judgeRollouts(rollouts, {
      tasks,
      choices,
      timeoutMs: params.rewardTimeout,
      refs: definitions,
      cores,
      grading: params,
      note,
    });
    const {template, temperature, topP, samples: k} = params;
    const scores = scoreSamples(samples, {k});
    await writeRows(
      outputs.scores,
      samples.map((one, index) => {
        const given = rollouts[index]!;
        const served = 'served' in given ? {served: given.served} : {};
        return {id: `${one.prompt}#${one.sample}`, from: [one.prompt], ...one, ...served};
      }),
      // Of a model at an endpoint nobody knows the parameters, nor, of all servers, the tokens.
      parameters === undefined
        ? undefined
        : ({
            ...{parameters, trainedTokens: 0, scoredTokens: 0},
            generatedTokens: generatedTokens + (general?.generatedTokens ?? 0),
          } satisfies Compute),
    );
    // The digest that model hubs show for a weight file, so that scores can be matched to a model outside the store too.
    const model = inputs.model === undefined ? params.endpoint : await weightsDigest(inputs.model);
    await writeJson(join(outputs.scores, 'scores.json'), {
      format: 'r1-scores-1',
      model,
      template,
      ...askedOf(params),
      temperature,
      topP,
      k,
      ...(usage === undefined ? {} : {endpoint: {server: params.endpointServer, usage, general: general?.usage}}),
      scores,
    });
    const counted = outcomeCounts(samples, params.extraction);
    if (counted !== undefined) note(counted);
    const pass = scores.find(({metric}) => metric === 'pass@1');
    if (pass !== undefined) note(`pass@1 ${pass.mean.toFixed(3)} ${intervalText(pass, (value) => value.toFixed(3))}`);
  },
});
