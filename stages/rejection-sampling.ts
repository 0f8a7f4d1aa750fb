/**
 * Rejection sampling (DeepSeek-R1, 2.3.3): the reasoning-RL model answers each prompt several times, and only completions
 * that are correct, in one language, without repetition and not too long are kept. Every drop is counted by its reason,
 * and every row names the rollout it came from. Sampling temperature and number of samples are not published.
 */
import {declareParams, described} from '../pipeline/params.js';
import {optional, defineStage} from '../pipeline/stage.js';
import {DropCounts, rolloutId, judgedRow, ruleFaults} from './rollout/sample-from-model.js';
import {writeRows} from './data/rows.js';
import type {RolloutRow, SampleRow} from './data/schemas.js';
import {endpointCautions, endpointMistakes, endpointParams} from './endpoint/params.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {COUNT, SPECIAL_IN_PROMPTS, chunk, temperature, topP} from './common-params.js';
import {JUDGING_TIME} from './rewards/names.js';
import {ASKING, askingMistakes} from './tasks/asking.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import {template} from './text/template-names.js';

/**
 * Samples the reasoning model and keeps completions that are right, in one language, without repetition and not too
 * long (DeepSeek-R1, arXiv 2501.12948, §2.3.3). `dataset` holds what full fine-tuning learns from, `rollouts` every
 * sample with its verdict.
 */
export const rejectionSampling = defineStage({
  module: import.meta.url,
  name: 'rejection-sampling',
  summary: 'Correct, clean completions of the reasoning model, for supervised fine-tuning',
  tensor: true,
  resources: {memory: 1200},
  inputs: {policy: optional('model'), prompts: 'prompts'},
  outputs: {dataset: 'dataset', rollouts: 'rollouts'},
  ...declareParams({
    template: template('chat'),
    ...SPECIAL_IN_PROMPTS,
    ...ASKING,
    prompts: described(100_000, 'Prompts to sample for, the first ones.', COUNT),
    samples: described(4, 'Completions of each prompt; the paper does not say how many it draws.', COUNT),
    perPrompt: described(2, 'Rows to keep of each prompt.', COUNT),
    rows: described(600_000, 'Rows to keep in all (the paper’s 600,000).', COUNT),
    temperature: temperature(1),
    topP: topP(1),
    maxNewTokens: described(
      32_768,
      'Tokens, the end token included; a longer completion is cut off and dropped.',
      COUNT,
    ),
    maxWords: described(8_000, 'Words of the longest completion to keep.', COUNT),
    chunk: chunk(32),
    ...JUDGING_TIME,
    wellFormed: described(
      true,
      'Whether thinking and answer have to stand in their tags; a teacher may have a form of its own, of which the answer is read.',
    ),
    noWords: described(
      0,
      'What thinking without a word counts as: 0 drops it with mixed languages, 1 (for arithmetic in digits alone) keeps it.',
      [0, 1],
    ),
    ...GRADING,
    ...endpointParams('teacher'),
  }),
  definitions: {tasks: 'task'},
  caution: (params) => [
    ...endpointCautions(params, `${params.samples} a prompt`),
    ...gradingCautions(params, `${params.samples} a prompt`),
  ],
  check: ({params, ...wired}) => [
    ...askingMistakes(params),
    ...endpointMistakes(params, {port: 'policy', inputs: wired.inputs, templates: ['chat']}),
    ...judgeMistakes(params.judge),
    ...taskMistakes(wired),
  ],
  async memory({inputs, params, threads, cores}) {
    const {samplerNeedBefore} = await import('./memory/sampling.js');
    return samplerNeedBefore({model: inputs.policy, prompts: [inputs.prompts], params, threads, cores});
  },
  async run(context) {
    const {inputs, outputs, params, definitions, seed, threads, cores, progress, note} = context;
    const [{tasksWith}, {asksDetector, consistencyFor}, {repetition}, {taskOf}, {loadDetector}, {openSource}] =
      await Promise.all([
        import('./tasks/load-tasks.js'),
        import('./tasks/language.js'),
        import('./rewards/repetition.js'),
        import('./tasks/task.js'),
        import('./text/detector.js'),
        import('./rollout/source.js'),
      ]);
    const tasks = await tasksWith(definitions.tasks);
    const source = await openSource({
      ...params,
      ...{model: inputs.policy, tasks, threads, cores, context, note},
    });
    const {groups, generatedTokens, parameters, usage} = await source.draw({
      prompts: inputs.prompts,
      count: params.prompts,
      key: {seed, purpose: 'rejection-sampling'},
      done: (step, total, tokens) => progress({step, total, ...(tokens === undefined ? {} : {tokens})}),
    });
    source.close();
    const rollouts = groups.flat();
    if (rollouts.some(({prompt}) => asksDetector(taskOf(tasks, prompt), prompt))) await loadDetector();
    const faults = await ruleFaults(rollouts, {
      timeoutMs: params.rewardTimeout,
      tasks: definitions.tasks,
      cores,
      grading: params,
      wellFormed: params.wellFormed,
      note,
    });
    const drops = new DropCounts();
    const perPrompt = new Map<string, number>();
    const seen = new Set<string>();
    const dataset: SampleRow[] = [];
    const judged: RolloutRow[] = [];
    rollouts.forEach((rollout, index) => {
      const {prompt, completion} = rollout;
      const fault = (): string | undefined => {
        if (faults[index] !== undefined) return faults[index];
        if (
          prompt.language !== undefined &&
          (consistencyFor(taskOf(tasks, prompt), completion.thinking ?? '', prompt.language) ?? params.noWords) < 1
        )
          return 'mixed languages';
        if (repetition(prompt, completion).value < 1) return 'repetition';
        if (completion.text.split(/\s+/).length > params.maxWords) return 'too long';
        if (seen.has(`${prompt.id}\n${completion.text}`)) return 'same as another';
        if ((perPrompt.get(prompt.id) ?? 0) >= params.perPrompt) return 'enough of this prompt';
        return dataset.length >= params.rows ? 'enough rows' : undefined;
      };
      const verdict = fault();
      if (verdict === undefined) {
        seen.add(`${prompt.id}\n${completion.text}`);
        perPrompt.set(prompt.id, (perPrompt.get(prompt.id) ?? 0) + 1);
        dataset.push({
          id: `rejection-sampling:${rolloutId(rollout)}`,
          from: [rolloutId(rollout)],
          task: prompt.task,
          ...(prompt.language === undefined ? {} : {language: prompt.language}),
          question: prompt.question,
          response: completion.text,
        });
      }
      drops.count(verdict);
      judged.push(judgedRow(rollout, verdict ?? 'kept'));
    });
    const card = {
      ...drops.card(),
      prompts: groups.length,
      temperature: params.temperature,
      ...(usage === undefined ? {parameters} : {endpoint: {server: params.endpointServer, usage}}),
      trainedTokens: 0,
      generatedTokens,
      scoredTokens: 0,
    };
    await writeRows(outputs.dataset, dataset, card);
    await writeRows(outputs.rollouts, judged, drops.card());
    const untagged = dataset.length === 0 ? (drops.card().dropped['format'] ?? 0) : 0;
    if (untagged > 0)
      note(
        `${untagged} right answers do not stand in the tags <think> and <answer>, and none is left: wellFormed false keeps them`,
      );
    note(`kept ${dataset.length} of ${rollouts.length} completions`);
  },
});
