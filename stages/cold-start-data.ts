/**
 * Cold-start data (DeepSeek-R1, supplement B.3.2): R1-Zero samples at temperature 1, completions with the right answer and
 * readable reasoning are kept, and reasoning that mixes languages is translated into the language of the question. The paper has
 * another model rewrite and people check; here the task's grammar translates line by line without seeing the answer,
 * keeps every number, and drops what it cannot parse.
 */
import {declareParams, described} from '../pipeline/params.js';
import {optional, defineStage} from '../pipeline/stage.js';
import {DropCounts, rolloutId, judgedRow, ruleFaults} from './rollout/sample-from-model.js';
import {writeRows} from './data/rows.js';
import type {RolloutRow, SampleRow} from './data/schemas.js';
import type {Given} from './rollout/given.js';
import {endpointCautions, endpointMistakes, endpointParams} from './endpoint/params.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {COUNT, SPECIAL_IN_PROMPTS, chunk, temperature} from './common-params.js';
import {JUDGING_TIME} from './rewards/names.js';
import {ASKING, askingMistakes} from './tasks/asking.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import {template} from './text/template-names.js';

/**
 * Samples R1-Zero on training prompts, keeps right and readable completions, and mends the language of their reasoning
 * (DeepSeek-R1, arXiv 2501.12948, §2.3.1). `dataset` holds what cold-start fine-tuning learns from, `rollouts` every
 * sample with its verdict.
 */
export const coldStartData = defineStage({
  module: import.meta.url,
  name: 'cold-start-data',
  summary: 'Readable, correct completions of R1-Zero with the language of the reasoning mended',
  tensor: true,
  resources: {memory: 1200},
  inputs: {policy: optional('model'), prompts: 'prompts'},
  outputs: {dataset: 'dataset', rollouts: 'rollouts'},
  ...declareParams({
    template: template('zero'),
    ...SPECIAL_IN_PROMPTS,
    ...ASKING,
    prompts: described(4_000, 'Prompts to sample for, the first ones.', COUNT),
    samples: described(4, 'Completions of each prompt.', COUNT),
    perPrompt: described(1, 'Rows to keep of each prompt.', COUNT),
    rows: described(4_000, 'Rows to keep in all (“thousands” in the paper).', COUNT),
    temperature: temperature(1),
    maxNewTokens: described(
      32_768,
      'Tokens, the end token included; a longer completion is cut off and dropped.',
      COUNT,
    ),
    maxWords: described(8_000, 'Words of reasoning beyond which a completion is not readable.', COUNT),
    chunk: chunk(32),
    ...JUDGING_TIME,
    wellFormed: described(
      true,
      'Whether thinking and answer have to stand in their tags; a teacher may have a form of its own, of which the answer is read.',
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
    ...endpointMistakes(params, {port: 'policy', inputs: wired.inputs, templates: ['zero', 'chat']}),
    ...judgeMistakes(params.judge),
    ...taskMistakes(wired),
  ],
  async memory({inputs, params, threads, cores}) {
    const {samplerNeedBefore} = await import('./memory/sampling.js');
    return samplerNeedBefore({model: inputs.policy, prompts: [inputs.prompts], params, threads, cores});
  },
  async run(context) {
    const {inputs, outputs, params, definitions, seed, threads, cores, progress, note} = context;
    const [{tasksWith}, {asksDetector, consistencyFor}, {taskOf}, {loadDetector}, {openSource}] = await Promise.all([
      import('./tasks/load-tasks.js'),
      import('./tasks/language.js'),
      import('./tasks/task.js'),
      import('./text/detector.js'),
      import('./rollout/source.js'),
    ]);
    const tasks = await tasksWith(definitions.tasks);
    const source = await openSource({
      ...params,
      ...{model: inputs.policy, topP: 1, tasks, threads, cores, context, note},
    });
    const {groups, generatedTokens, parameters, usage} = await source.draw({
      prompts: inputs.prompts,
      count: params.prompts,
      key: {seed, purpose: 'cold-start-data'},
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
    const dataset: SampleRow[] = [];
    const judged: RolloutRow[] = [];
    const consistencies: number[] = [];

    /** The completion to learn from, or why there is none. */
    const refine = ({prompt, completion}: Given): {readonly response: string} | {readonly fault: string} => {
      const mended = taskOf(tasks, prompt).mend?.(prompt, completion, {maxWords: params.maxWords});
      if (mended !== undefined) return mended.ok ? {response: mended.value} : {fault: mended.error};
      // Where a task knows no way to mend it, mixed reasoning is dropped, as the paper's filter does.
      const mixed =
        prompt.language !== undefined &&
        (consistencyFor(taskOf(tasks, prompt), completion.thinking ?? '', prompt.language) ?? 1) < 1;
      return mixed ? {fault: 'mixed languages'} : {response: completion.text};
    };

    rollouts.forEach((rollout, index) => {
      const {prompt} = rollout;
      let verdict = faults[index];
      if (verdict === undefined) {
        const refined = refine(rollout);
        const taken = perPrompt.get(prompt.id) ?? 0;
        if ('fault' in refined) verdict = refined.fault;
        else if (taken >= params.perPrompt) verdict = 'enough of this prompt';
        else if (dataset.length >= params.rows) verdict = 'enough rows';
        else {
          perPrompt.set(prompt.id, taken + 1);
          if (prompt.language !== undefined)
            consistencies.push(
              consistencyFor(taskOf(tasks, prompt), rollout.completion.thinking ?? '', prompt.language) ?? 0,
            );
          dataset.push({
            id: `cold-start:${rolloutId(rollout)}`,
            from: [rolloutId(rollout)],
            task: prompt.task,
            ...(prompt.language === undefined ? {} : {language: prompt.language}),
            question: prompt.question,
            response: refined.response,
          });
        }
      }
      drops.count(verdict);
      judged.push(judgedRow(rollout, verdict ?? 'kept'));
    });
    const card = {
      ...drops.card(),
      prompts: groups.length,
      temperature: params.temperature,
      languageConsistencyBeforeMending:
        consistencies.length === 0 ? null : consistencies.reduce((a, b) => a + b, 0) / consistencies.length,
      mendedShare:
        consistencies.length === 0 ? null : consistencies.filter((value) => value < 1).length / consistencies.length,
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
