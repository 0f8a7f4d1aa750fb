/**
 * Reinforcement learning like `grpo`, with completions drawn and updates made by TRL's GRPOTrainer in Python. Which questions are asked,
 * in which order, and what an answer earns is decided here, as in `grpo`: rewards, tasks, graders and reward models are the same.
 */
import {declareParams} from '../pipeline/params.js';
import {defineStage, optional} from '../pipeline/stage.js';
import {SPECIAL_IN_PROMPTS} from './common-params.js';
import {isErrorOf} from './data/standard-errors.js';
import {GRADING} from './graders/settings.js';
import {JUDGING_TIME} from './rewards/names.js';
import {REINFORCEMENT, reinforcementCautions, reinforcementMistakes} from './rollout/reinforcement-params.js';
import {ASKING} from './tasks/asking.js';
import {template} from './text/template-names.js';
import {OBJECTIVE} from './train/grpo-params.js';
import {openSnapshots} from './train/snapshots.js';
import {TRL} from './trl/environment.js';
import {TRAINING, configMistakes, dividers, microBatchOf, spreadMistakes} from './trl/params.js';

/** Counts as code, with what it imports from its folder. */
const PROGRAM = new URL('../../stages/trl/grpo.py', import.meta.url);

// TRL ends a completion at end tokens alone, and adds a constant of its own to a group's standard deviation.
const {stop: _, ...asking} = ASKING;
const {stdFloor: __, importanceCap: ___, ...objective} = OBJECTIVE;

/**
 * GRPO (DeepSeekMath, arXiv 2402.03300) with TRL (https://huggingface.co/docs/trl/grpo_trainer). Ports and params are those of `grpo`;
 * what differs is said in stages/trl/README.md.
 *
 * @throws {StageFailure} from `run`: as `grpo`, and where the trainer fails
 */
export const trlGrpo = defineStage({
  module: import.meta.url,
  name: 'trl-grpo',
  canFinishEarly: true,
  summary: 'Reinforcement learning like grpo, by TRL’s GRPOTrainer in Python',
  headline: ['accuracy', 'reward', 'length'],
  trains: true,
  tensor: true,
  // What is left out here says how r1's own engine computes.
  replaces: {stage: 'grpo', trainer: 'trl', without: ['chunk', 'rolloutPrecision', 'importanceCap']},
  environment: TRL,
  resources: {memory: 3000},
  inputs: {
    policy: 'model',
    prompts: 'prompts',
    general: optional('prompts'),
    helpful: optional('reward-model'),
    safety: optional('reward-model'),
    // What holds the length of responses to that of a model which was evaluated.
    lengthFrom: optional('scores'),
  },
  outputs: {model: 'model', history: 'history', rollouts: 'rollouts', snapshots: 'snapshots'},
  ...declareParams({
    template: template('zero'),
    ...SPECIAL_IN_PROMPTS,
    ...asking,
    ...REINFORCEMENT,
    ...objective,
    ...TRAINING,
    ...JUDGING_TIME,
    ...GRADING,
  }),
  definitions: {rewards: 'reward', tasks: 'task'},
  caution: (params) => reinforcementCautions(params),
  check({params, ...wired}) {
    const {questions, group, minibatches, ranks} = params;
    const uneven = (questions * minibatches) % ranks !== 0;
    return [
      ...reinforcementMistakes({...wired, params: {...params, stop: []}}),
      ...spreadMistakes({rows: questions * group, named: 'questions × group'}, params),
      ...(uneven
        ? [
            `${ranks} ranks cannot share the ${questions * minibatches} questions of a rollout evenly; ${dividers(questions * minibatches)} can`,
          ]
        : []),
      ...configMistakes(params.config),
    ];
  },
  async run(context) {
    const {inputs, outputs, params, definitions, seed, threads, cores, scratch, note, signal} = context;
    const [
      {trainOutside},
      {openRollouts},
      {keepModel},
      {writeLines, writeList},
      {readConfig, readGeneration},
      {countParameters},
      {openTokenizer},
      {openAsked},
      {openQuestions},
      {openGroupScorer},
      {checkKnownPairs},
      {NOTHING_OBSERVED},
      {drawnHow},
      {meanLength},
      {reflectiveWords},
      {closingAfter},
      {writeRows},
    ] = await Promise.all([
      import('./trl/training.js'),
      import('./trl/rollouts.js'),
      import('./trl/keep-model.js'),
      import('./trl/files.js'),
      import('./model/hf-folder/index.js'),
      import('./model/parameters.js'),
      import('./text/tokenizer.js'),
      import('./rollout/asked.js'),
      import('./rollout/questions.js'),
      import('./rollout/group-scorer.js'),
      import('./rollout/check-graders.js'),
      import('./rollout/state.js'),
      import('./rollout/records.js'),
      import('./rollout/length-limit.js'),
      import('./text/language.js'),
      import('./train/closing.js'),
      import('./data/rows.js'),
    ]);
    const {python} = await TRL.open(context);
    const config = await readConfig(inputs.policy);
    const generation = await readGeneration(inputs.policy);
    const before = {folder: inputs.policy, config, generation};
    const tokenizer = await openTokenizer(inputs.policy, params);
    tokenizer.notes.forEach((text) => note(text));
    const opening = {params, tokenizer, positions: config.maxPositions, definitions: definitions.tasks, cores, note};
    const {tasks, reasoning, general} = await openAsked(inputs, opening);

    // All questions of the training, in the order in which `grpo` asks them.
    const {steps, minibatches, maxNewTokens, klCoefficient} = params;
    const groups = params.questions * minibatches;
    const prompts = [...reasoning, ...general];
    const numberOf = new Map(prompts.map((prompt, number) => [prompt, number]));
    const questions = openQuestions({reasoning, general, seed});
    const withGeneral = (step: number): boolean => questions.hasGeneral && step >= params.generalFrom * steps;
    const order: number[] = [];
    let cursor = {reasoning: 0, general: 0};
    for (let step = 0; step < steps; step += minibatches) {
      const drawn = questions.draw(cursor, groups, withGeneral(step) ? params.generalShare : 0);
      cursor = drawn.cursor;
      order.push(...drawn.questions.map((question) => numberOf.get(question)!));
    }

    const scorer = await openGroupScorer({
      weights: params.rewards,
      timeoutMs: params.rewardTimeout,
      refs: definitions,
      tasks,
      models: {helpful: inputs.helpful, safe: inputs.safety},
      lengthLimit: inputs.lengthFrom === undefined ? maxNewTokens : await meanLength(inputs.lengthFrom, note),
      maxTokens: Math.max(...prompts.map(({tokens}) => tokens.length)) + maxNewTokens,
      threads,
      cores,
      grading: params,
      note,
      signal,
    });
    await closingAfter([scorer], async () => {
      if (context.checkpoints.latest === undefined && params.checkGroups > 0)
        await checkKnownPairs(
          reasoning.map(({prompt}) => prompt),
          {scorer, seed, note, extraction: params.extraction},
        );
      const rollouts = openRollouts({
        ...params,
        questionAt: (place) => prompts[order[place]!]!,
        tokenizer,
        scorer,
        reflective: reflectiveWords,
        seed,
        groups,
        hasReference: klCoefficient > 0,
        isSpreadDue: (step) => withGeneral(step) || !questions.hasGeneral,
      });
      const snapshots = openSnapshots(outputs.snapshots, params.snapshots);
      const trained = await trainOutside({
        context,
        python,
        program: PROGRAM,
        ranks: params.ranks,
        steps,
        // TRL goes on with equal bytes from the end of a rollout alone: what is left of one is in no checkpoint of its own.
        boundary: minibatches,
        learningRate: params.learningRate,
        parameters: countParameters(config),
        start: NOTHING_OBSERVED,
        sideOutputs: snapshots,
        isHistoryOnly: isErrorOf,
        spec: {
          ...params,
          policy: inputs.policy,
          endIds: tokenizer.endIds,
          schedule: 'constant',
          microBatch: microBatchOf(params.questions * params.group, params),
          prompts: await writeLines(
            scratch,
            'prompts.jsonl',
            prompts.map(({tokens}) => tokens),
          ),
          order: await writeList(scratch, 'order.json', order),
        },
        answers: {
          rollout: async (part: Parameters<typeof rollouts.score>[0]) => ({rewards: await rollouts.score(part)}),
          snapshot: async ({step, folder}: {step: number; folder: string}) => {
            await snapshots.take(step, (to) => keepModel(folder, to, before));
            return {};
          },
        },
        measure(_step, logged, training) {
          const {summary, tokens} = rollouts.finish(training);
          training.tokens.trained += tokens / minibatches;
          const {kl = 0} = logged;
          return {
            ...summary,
            loss: logged['loss'] ?? NaN,
            gradNorm: logged['grad_norm'] ?? NaN,
            clippedShare: logged['clip_ratio/region_mean'] ?? null,
            kl,
            klLoss: klCoefficient * kl,
            entropy: logged['entropy'] ?? null,
          };
        },
      });
      await keepModel(trained.model, outputs.model, before);
      await snapshots.finish(trained.step, (to) => keepModel(trained.model, to, before));
      const {rollouts: made, samples} = trained.own;
      const card = {...trained.summary, rollouts: made, ...drawnHow(params, questions.hasGeneral)};
      await writeRows(outputs.history, trained.history, card);
      await writeRows(outputs.rollouts, samples, {rows: samples.length, kept: 'the first group of every rollout'});
      note(`${trained.step} steps, ${made} rollouts, ${trained.summary.generatedTokens} tokens generated`);
    });
  },
});
