/**
 * A student that reinforcement learning has something to reward in: a model without some of its layers, fine-tuned until it can speak
 * again, that solves a declared share of problems by sampling. Where it does not, fewer layers are left out, and it is tried again. The
 * two arms that distillation is compared by (DeepSeek-R1, arXiv 2501.12948, §4.1) then begin with the same weights.
 *
 * It is `prune-layers`, `sft` and `gate` in one stage, because how often each has to run is known only once they have.
 */
import {readFile, rename, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {DefinitionRef} from '../pipeline/definition.js';
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage, many} from '../pipeline/stage.js';
import type {Checkpoints} from '../pipeline/stage.js';
import {writeRows} from './data/rows.js';
import {GATE} from './evaluation/gate-params.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import type {GradingSettings} from './graders/settings.js';
import {COUNT, FINE_TUNING, SPECIAL_IN_PROMPTS} from './common-params.js';
import {leastMissed, saveWithout} from './prune-layers.js';
import type {LeftOut} from './prune-layers.js';
import {sft} from './sft.js';
import {ASKING, askingMistakes} from './tasks/asking.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import {template} from './text/template-names.js';

/** What a checkpoint remembers beside the training's own state. */
interface Remembered {
  readonly format: typeof FORMAT;
  /** Layers in the order in which they go. */
  readonly order: readonly LeftOut[];
  /** How many of them the student goes without that is now tried. */
  readonly without: number;
  /** Steps that the stage had told before it was fine-tuned. */
  readonly told: number;
  /** What came of the students before it, each a sentence. */
  readonly tried: readonly string[];
  /** Whether its fine-tuning had begun, whose own state is then beside this. */
  readonly isTrained: boolean;
}
const REMEMBERED = 'student.json';
/** Raise it with every change of what is in there: a checkpoint of another format is refused, also where a person accepts other code. */
const FORMAT = 1;

/**
 * Leaves layers out of a model, fine-tunes what is left on datasets, and hands it on if pass@`samples` on problems is at least `least`.
 * Where it is not, it leaves out fewer of them and tries again. `layers` has the layers that are gone, in their order, and `history` the
 * fine-tuning of the student that passed.
 *
 * @throws {StageFailure} from `run`: no student passes; or what `prune-layers`, `sft` and `gate` refuse
 */
export const student = defineStage({
  module: import.meta.url,
  name: 'student',
  summary: 'A student out of its teacher: layers left out, fine-tuned, and able to solve problems',
  trains: true,
  tensor: true,
  resources: {memory: 2000},
  inputs: {base: 'model', data: many('dataset'), prompts: 'prompts'},
  outputs: {model: 'model', layers: 'history', history: 'history'},
  ...declareParams({
    template: template('chat'),
    ...SPECIAL_IN_PROMPTS,
    ...ASKING,
    layers: described(10, 'How many layers are left out at first.', COUNT),
    fewer: described(2, 'How many fewer are left out in each further try.', COUNT),
    lossRows: described(
      8,
      'Rows of the data that layers are chosen by, the first ones that have at most lossTokens tokens.',
      COUNT,
    ),
    lossTokens: described(128, 'Tokens of the longest of these rows, the question included.', COUNT),
    ...FINE_TUNING,
    ...GATE,
    ...GRADING,
  }),
  definitions: {tasks: 'task'},
  caution: (params) => gradingCautions(params, `${params.samples} a prompt`),
  check: ({params, ...wired}) => [...askingMistakes(params), ...judgeMistakes(params.judge), ...taskMistakes(wired)],
  async memory({inputs, params, threads, cores}) {
    const [{fineTuningNeed}, {samplerNeedBefore}] = await Promise.all([
      import('./memory/training.js'),
      import('./memory/sampling.js'),
    ]);
    // Both are reckoned for the whole model: what is left of it takes less.
    const machine = {threads, cores};
    const needs = [
      await fineTuningNeed({
        base: inputs.base,
        data: Object.values(inputs.data),
        threads,
        params: {...sft.params, ...params},
      }),
      await samplerNeedBefore({model: inputs.base, prompts: [inputs.prompts], params, ...machine}),
    ];
    return needs.reduce((most, need) => (need.mib > most.mib ? need : most));
  },
  async run(context) {
    const {inputs, outputs, params, scratch, checkpoints, metric, note} = context;
    const {solvedShare} = await import('./evaluation/solved-share.js');
    const within = (name: string): string => join(scratch, name);

    /** Steps of the parts that are over. What is told of the present one comes behind them. */
    let told = 0;
    let ahead = 0;
    const progress = ({step, total, tokens}: {step: number; total: number; tokens?: number}): void => {
      ahead = total;
      context.progress({step: told + step, total: told + total, ...(tokens !== undefined && {tokens})});
    };
    const isOver = (): void => {
      told += ahead;
      ahead = 0;
    };
    const part = {...context, progress, finishEarly: () => false};

    const chosen = async (): Promise<Remembered> => {
      const {template, layers, lossRows: rows, lossTokens: maxTokens} = params;
      const order = await leastMissed(inputs, {template, layers, rows, maxTokens}, part);
      isOver();
      const state: Remembered = {format: FORMAT, order, without: layers, told, tried: [], isTrained: false};
      await checkpoints.save(told, (folder) => remember(folder, state));
      return state;
    };
    const {latest} = checkpoints;
    if (latest === undefined)
      await checkGround(inputs.prompts, params, context.definitions.tasks, {cores: context.cores, note});
    let state = latest === undefined ? await chosen() : await remembered(latest);
    for (let resumed = state.isTrained ? latest : undefined; ; resumed = undefined) {
      ({told} = state);
      const {order, without, tried} = state;
      const gone = order.slice(0, without);
      const [cut, model, history] = [
        within(`cut-${without}`),
        within(`model-${without}`),
        within(`history-${without}`),
      ];
      const counts = await saveWithout(inputs.base, gone, cut);
      const names = gone.map(({layer}) => layer).sort((a, b) => a - b);
      note(`fine-tuning without layers ${names.join(', ')} of ${counts.layers}`);
      const {specialInPrompts, template, epochs, batch, microBatch, learningRate, warmup, maxTokens} = params;
      await sft.run({
        ...part,
        definitions: {},
        metric: (name, step, value) => metric(name, told + step, value),
        checkpoints: behind(checkpoints, state, resumed),
        inputs: {base: cut, data: inputs.data},
        outputs: {model, history},
        params: {
          ...sft.params,
          ...{specialInPrompts, template, epochs, batch, microBatch, learningRate, warmup, maxTokens},
        },
      });
      isOver();
      const {passed, sentence} = await solvedShare({model, prompts: inputs.prompts}, part);
      isOver();
      metric(`pass@${params.samples}`, told, passed);
      const said = `without ${without} of ${counts.layers} layers, ${sentence}`;
      note(said);
      if (passed >= params.least) {
        await rename(model, outputs.model);
        await rename(history, outputs.history);
        await writeRows(outputs.layers, gone, counts);
        return;
      }
      const next = without - params.fewer;
      if (next <= 0)
        throw new StageFailure(
          `${[...tried, said].join('; ')}: below ${params.least}, reinforcement learning has too little to reward; fine-tune it on more rows, or ask it otherwise`,
        );
      state = {...state, without: next, told, tried: [...tried, said], isTrained: false};
    }
  },
});

/** Layers are chosen and what is left is healed for hours: what the student is asked after that is looked at before. */
async function checkGround(
  folder: string,
  params: GradingSettings & {readonly prompts: number},
  refs: readonly DefinitionRef[],
  options: {readonly cores: number; readonly note: (text: string) => void},
): Promise<void> {
  const [{readPrompts}, {prepareGraders}, {tasksWith}, {isCheckable}] = await Promise.all([
    import('./data/rows.js'),
    import('./graders/registry.js'),
    import('./tasks/load-tasks.js'),
    import('./tasks/task.js'),
  ]);
  const tasks = await tasksWith(refs);
  const problems = (await readPrompts(folder, tasks)).filter((prompt) => isCheckable(tasks, prompt));
  if (problems.length === 0) throw new StageFailure('none of the prompts has an answer that can be checked');
  const {prompts, sandbox, judge, extraction} = params;
  await prepareGraders(prompts === 0 ? problems : problems.slice(0, prompts), {
    ...{tasks, sandbox, judge, extraction},
    ...options,
  });
}

const remember = (folder: string, state: Remembered): Promise<void> =>
  writeFile(join(folder, REMEMBERED), JSON.stringify(state));

/** @throws {StageFailure} when the checkpoint is of another format */
async function remembered(folder: string): Promise<Remembered> {
  const state = JSON.parse(await readFile(join(folder, REMEMBERED), 'utf8')) as Remembered;
  // Its bytes are known to be the ones that were written, so the format says all of its shape.
  const format: number = state.format;
  if (format !== FORMAT)
    throw new StageFailure(
      `the checkpoint holds a student's state of format ${format}, and this version of r1 resumes from format ${FORMAT} only; without --accept-checkpoint the stage starts afresh`,
    );
  return state;
}

/**
 * Checkpoints of a fine-tuning, which remember what came before it, too.
 * @param resumed the checkpoint that the stage began with, where this fine-tuning is the one that was interrupted
 */
function behind(checkpoints: Checkpoints, state: Remembered, resumed: string | undefined): Checkpoints {
  const {told} = state;
  return {
    latest: resumed,
    due: (step) => checkpoints.due(told + step),
    isStopAsked: () => checkpoints.isStopAsked(),
    save: (step, write) =>
      checkpoints.save(told + step, async (folder) => {
        await remember(folder, {...state, isTrained: true});
        await write(folder);
      }),
  };
}
