/**
 * Group-relative policy optimisation (DeepSeek-R1, equations 1–3; DeepSeekMath, arXiv 2402.03300): R1-Zero, reasoning RL,
 * all-scenario RL and the student's RL control are this stage with other rewards and templates.
 *
 * A step is one optimizer update. A rollout samples `questions × minibatches` groups, which are dealt into `minibatches`
 * updates, one inner epoch; so all but the first are slightly off-policy, and ratio and clip are at work. Policy, old and
 * reference log-probabilities divide the logits by the sampling temperature; the old ones are computed by the training
 * graph, not taken from the sampler, and with one minibatch they are those of the update itself. Rewards are pure functions in a worker that can be killed; a verdict that is
 * unparsable or timed out earns nothing and is counted as what it is.
 *
 * Departures from the paper: the loss is averaged per token as in DeepSeekMath unless `ratio` says 'sequence'; the
 * group's standard deviation has a floor.
 */
import {StageFailure, optional, param, defineStage} from '../pipeline/stage.js';
import {readPrompts, writeRows} from './data/rows.js';
import {encodePrompts, samplingWith} from './rollout/sample-groups.js';
import {lengthBuckets} from './train/length-buckets.js';
import type {EncodedPrompt} from './rollout/sample-groups.js';
import {CHECKPOINTING, PRECISIONS} from './train/compute.js';
import type {Checkpointing, Precision} from './train/compute.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {reinforcementMistakes} from './number-params.js';
import {REWARD_MODELS, REWARD_TIMEOUT, type RewardWeights} from './rewards/names.js';
import {portOf, weightMistakes} from './rewards/weights.js';
import {SANDBOXES} from './sandbox/names.js';
import {ASKING, askingMistakes, EXTRACTIONS} from './tasks/asking.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import {TEMPLATE_NAMES} from './text/template-names.js';
import type {TemplateName} from './text/template-names.js';
import {dealMinibatches, isUniform, summarise} from './rollout/minibatches.js';
import type {Minibatch} from './rollout/minibatches.js';
import {checkKnownPairs, checkPatience, entropyWarning, lookAt} from './rollout/check-graders.js';
import {scoredRow} from './rollout/records.js';
import {START, type State} from './rollout/state.js';

const RATIOS = ['token', 'sequence'] as const;
const AGGREGATES = ['response-mean', 'token-mean', 'constant'] as const;
type Ratio = (typeof RATIOS)[number];
type Aggregate = (typeof AGGREGATES)[number];

/**
 * Reinforcement learning with GRPO (DeepSeek-R1, arXiv 2501.12948, §2.2.1, equations 1–3; DeepSeekMath, arXiv
 * 2402.03300, §4.1): samples groups of completions, scores them by rule rewards and reward models, and makes optimizer
 * updates. `model` is the policy at the end, `history` a row for each update, `rollouts` samples with their verdicts.
 *
 * @throws {StageFailure} from `run`: the loss is not finite, or for `patience` rollouts in a row nothing could be
 * learned
 */
export const grpo = defineStage({
  module: import.meta.url,
  name: 'grpo',
  canFinishEarly: true,
  summary: 'Reinforcement learning from rule rewards and, where wired, reward models',
  tensor: true,
  resources: {memory: 2000},
  inputs: {
    policy: 'model',
    prompts: 'prompts',
    general: optional('prompts'),
    helpful: optional('reward-model'),
    safety: optional('reward-model'),
  },
  outputs: {model: 'model', history: 'history', rollouts: 'rollouts'},
  params: {
    /** 'zero' for R1-Zero, 'chat' for every later model. */
    template: param<TemplateName>('zero'),
    /** Whether a control token that is typed into a question (`<|im_end|>`) counts as such; by default it is text. */
    specialInPrompts: param<boolean>(false),
    ...ASKING,
    /** Optimizer updates (the paper's R1-Zero: 10,400). */
    steps: 10_400,
    /** Questions in an update, completions per question, updates per rollout (32 × 16 = 512; 8,192 a rollout). */
    questions: 32,
    group: 16,
    minibatches: 16,
    /** Tokens of the longest completion, the end token included; what is longer is cut off. */
    maxNewTokens: 32_768,
    temperature: 1,
    learningRate: 3e-6,
    /** Updates over which the learning rate rises linearly from 0. */
    warmup: 0,
    weightDecay: 0,
    beta2: 0.98,
    /** β of the k3 estimator in the loss; 0 leaves the reference model out. */
    klCoefficient: 0.001,
    /** The policy becomes the reference after every this many steps, from the next rollout on; 0: never. */
    referenceEvery: 400,
    /** The paper's 10 for reasoning RL; not reported for R1-Zero. */
    clipLow: 10,
    clipHigh: 10,
    ratio: param<Ratio>('token'),
    /** 'response-mean' (DeepSeekMath), 'token-mean' (DAPO), or 'constant' = divided by maxNewTokens (Dr. GRPO). */
    aggregate: param<Aggregate>('response-mean'),
    /**
     * Whether advantages are divided by the standard deviation of their group; false is Dr. GRPO (arXiv 2503.20783).
     */
    divideByStd: param<boolean>(true),
    /** The standard deviation of a group counts as at least this much reward. */
    stdFloor: 0.05,
    /**
     * Weights by the name of the reward: accuracy, format, language, repetition, length; helpful and safe for what the
     * reward models say, which is about general prompts only; and those of one's own. A reward without a weight is not summed.
     */
    rewards: param<RewardWeights>({accuracy: 1, format: 1}),
    /** What the reward `language` is where the thinking has no word (0, or 1 for arithmetic in digits alone). */
    noWords: 0,
    /** Share of the steps after which general prompts come in, and their share of the questions from then on. */
    generalFrom: 0.75,
    generalShare: 0.5,
    /** DAPO: groups without spread are dropped and other questions drawn, in at most this many more rounds a rollout. */
    dynamicSampling: 0,
    /** Whether completions that were cut off are left out of the loss (DAPO, arXiv 2503.14476). */
    maskTruncated: param<boolean>(false),
    /** Tokens before `maxNewTokens` over which DAPO's soft penalty falls from 0 to −1; 0 turns it off. */
    overlongMargin: 0,
    /** The control: rewards are dealt out anew within each group. */
    shuffleRewards: param<boolean>(false),
    /** Stop after this many rollouts in a row without any spread (once general prompts are in, if any), or nine in ten cut off. */
    patience: 20,
    /** Groups to look at before going on: stop if in none of them the rewards differ, or nine in ten give no answer; 0: never. */
    checkGroups: 32,
    /** Prompts and rows in one native call. */
    chunk: 8,
    microBatch: 16,
    /** Of products with weights, in training and in sampling; what is stored stays float32. bf16 rollouts of few samples save no time: engine/README.md. */
    precision: param<Precision>('f32'),
    rolloutPrecision: param<Precision>('f32'),
    /**
     * Where rollouts are bf16, each sampled token weighs min(π_train / π_sampler, this) (Yao et al. 2025; `train/importance.ts`);
     * 0 leaves the weights out.
     */
    importanceCap: 2,
    /** Layers are computed again in the backward pass instead of being kept; 'auto' where they would take more than 4 GiB. */
    activationCheckpointing: param<Checkpointing>('auto'),
    /** Milliseconds for the judging of one completion. */
    rewardTimeout: REWARD_TIMEOUT,
    ...GRADING,
  },
  choices: {
    template: TEMPLATE_NAMES,
    extraction: EXTRACTIONS,
    noWords: [0, 1],
    sandbox: SANDBOXES,
    ratio: RATIOS,
    aggregate: AGGREGATES,
    precision: PRECISIONS,
    rolloutPrecision: PRECISIONS,
    activationCheckpointing: CHECKPOINTING,
  },
  definitions: {rewards: 'reward', tasks: 'task'},
  caution: (params) => gradingCautions(params, `${params.steps * params.questions * params.group}`),
  check: ({params, ...wired}) => [
    ...reinforcementMistakes(params),
    ...askingMistakes(params),
    ...judgeMistakes(params.judge),
    ...taskMistakes(wired),
    ...weightMistakes(params.rewards, {
      own: wired.definitions.rewards.map(({name}) => name),
      models: REWARD_MODELS.filter((name) => wired.inputs.includes(portOf(name))),
    }),
  ],
  async memory({inputs: {policy, prompts, general, helpful, safety}, params, threads, cores}) {
    const {reinforcementNeedBefore} = await import('./memory/sampling.js');
    const wired = (folders: readonly (string | undefined)[]): string[] => folders.flatMap((folder) => folder ?? []);
    const folders = {policy, prompts: wired([prompts, general]), judges: wired([helpful, safety])};
    return reinforcementNeedBefore({...folders, params, threads, cores});
  },
  async run(context) {
    const {inputs, outputs, params, definitions, seed, threads, cores, note} = context;
    const [
      {withTraining, countTokens},
      {planUpdates, teaches, whereTaught},
      {planRollouts},
      {openGroupScorer},
      {rollOut},
      {openQuestions},
      {carriedOn, openModel, readConfig, saveModel},
      {openTokenizer},
      {constant},
      {handOver},
      {computesAgain},
      {announceMemory},
      {reinforcementNeed},
      {importanceMeasures, samplerMismatch},
      {reflectiveWords},
      {tasksWith},
      {prepareGraders},
    ] = await Promise.all([
      import('./train/training-loop.js'),
      import('./train/grpo-updates.js'),
      import('./rollout/open-sampler.js'),
      import('./rollout/group-scorer.js'),
      import('./rollout/roll-out.js'),
      import('./rollout/questions.js'),
      import('./model/hf-folder/index.js'),
      import('./text/tokenizer.js'),
      import('./train/learning-rate.js'),
      import('./model/parameters.js'),
      import('./memory/parts.js'),
      import('./memory/need.js'),
      import('./memory/sampling.js'),
      import('./train/importance.js'),
      import('./text/language.js'),
      import('./tasks/load-tasks.js'),
      import('./graders/registry.js'),
    ]);
    const tasks = await tasksWith(definitions.tasks);
    // The policy, and the questions as tokens.
    const {config, weights, generation} = await openModel(inputs.policy);
    const tokenizer = await openTokenizer(inputs.policy, params);
    tokenizer.notes.forEach((text) => note(text));
    const limit = config.maxPositions - params.maxNewTokens;
    if (limit <= 0)
      throw new StageFailure(
        `maxNewTokens ${params.maxNewTokens} leaves no room for a prompt: the model has ${config.maxPositions} positions`,
      );
    const encode = async (folder: string | undefined): Promise<EncodedPrompt[]> =>
      folder === undefined ? [] : encodePrompts(await readPrompts(folder, tasks), {...params, tokenizer, limit, note});
    const reasoning = await encode(inputs.prompts);
    const general = await encode(inputs.general);
    if (reasoning.length === 0) throw new StageFailure('there are no prompts');
    await prepareGraders(
      [...reasoning, ...general].map(({prompt}) => prompt),
      {cores, sandbox: params.sandbox, judge: params.judge, extraction: params.extraction, tasks, note},
    );

    // What is compiled: sampling for two lengths of prompts; log-probabilities and updates for some lengths of whole rows.
    const tokensOf = [...reasoning, ...general].map(({tokens}) => tokens.length);
    const promptLengths = lengthBuckets(tokensOf, 2);
    const longest = promptLengths.at(-1)! + params.maxNewTokens;
    const {temperature, group, maxNewTokens, klCoefficient, ratio, importanceCap, precision} = params;
    const groups = params.questions * params.minibatches;
    const chunk = Math.min(params.chunk, groups);
    const drawing = {temperature, topP: 1, precision: params.rolloutPrecision};
    const sampling = {prompts: chunk, group, promptLengths, maxNewTokens, ...drawing};
    const {signal} = context;
    const plan = {config, sampling: samplingWith(tokenizer, sampling), groups, threads, cores, note, signal};
    const rollouts = planRollouts(plan);
    const shortest = Math.min(...tokensOf);
    const {buckets, isWeighted, programs} = planUpdates(config, params, {shortest, longest: promptLengths.at(-1)!});
    const activationCheckpointing = computesAgain(params.activationCheckpointing, config, buckets);
    const reference = klCoefficient > 0;
    const judges = await Promise.all([inputs.helpful ?? [], inputs.safety ?? []].flat().map(readConfig));
    announceMemory(reinforcementNeed({config, sampling, params, judges, threads, cores}), note);
    const engine = {
      config,
      precision,
      activationCheckpointing,
      weights: handOver(weights),
      threads,
      reference,
      optimizer: {beta2: params.beta2, weightDecay: params.weightDecay},
      programs: {...programs, ...rollouts.programs},
    };
    const questions = openQuestions({reasoning, general, seed});
    const rateAt = constant({warmup: params.warmup, peak: params.learningRate});

    await withTraining({engine, context, learningRate: params.learningRate, start: START}, async (training) => {
      const {engine, tokens} = training;
      const sampler = rollouts.open(engine);
      training.closeAtEnd(sampler);
      const scorer = await openGroupScorer({
        weights: params.rewards,
        timeoutMs: params.rewardTimeout,
        refs: definitions,
        tasks,
        models: {helpful: inputs.helpful, safe: inputs.safety},
        maxNewTokens,
        maxTokens: longest,
        threads,
        cores,
        grading: params,
        note,
        signal,
      });
      training.closeAtEnd(scorer);
      if (training.own === START && params.checkGroups > 0)
        await checkKnownPairs(
          reasoning.map(({prompt}) => prompt),
          {scorer, seed, note, extraction: params.extraction},
        );
      const options = {
        ...params,
        chunk,
        withLogProbs: true,
        questions,
        sampler,
        scorer,
        tokenizer,
        seed,
        groups,
        reflective: reflectiveWords,
      };

      /** Of the newest rollout, until the history has it. */
      let mismatch: ReturnType<typeof samplerMismatch> = {};

      /** Samples and scores one rollout under the current weights, and deals it into the minibatches of the next updates. */
      const nextRollout = async (step: number): Promise<State> => {
        const {cursor, rollouts, samples, uniformRollouts, truncatedRollouts, seen} = training.own;
        const withGeneral = questions.hasGeneral && step >= params.generalFrom * params.steps;
        const generalShare = withGeneral ? params.generalShare : 0;
        const sampled = await rollOut({rollout: rollouts, cursor, generalShare}, options);
        tokens.generated += sampled.generatedTokens;

        const all = sampled.groups.flatMap(({rows}) => rows); // groups × group rows
        // log π_old of each token of each row that teaches, unless the update finds it itself
        const old = engine.run.old && whereTaught(all, klCoefficient, engine.run.old);
        const reference = engine.run.reference?.(all); // log π_ref, likewise
        if (reference !== undefined) tokens.scored += countTokens(all);
        mismatch = samplerMismatch(all, old ?? []);

        const traces = sampled.groups.flatMap((one) => one.traces);
        const uniform = traces.every(({groupSpread}) => isUniform(groupSpread));
        const truncated = traces.filter(({finished}) => !finished).length / traces.length > 0.9;
        const state: State = {
          cursor: sampled.cursor,
          rollouts: rollouts + 1,
          pending: dealMinibatches(
            sampled.groups,
            {old, reference},
            params.minibatches,
            {seed, step: rollouts},
            isWeighted ? {cap: importanceCap, ratio} : undefined,
          ),
          samples: [...samples, ...sampled.groups[0]!.members.map((one) => scoredRow(one, step))],
          // A policy that solves all its problems learns nothing more from them, but general prompts are still to come.
          uniformRollouts: uniform && (withGeneral || !questions.hasGeneral) ? uniformRollouts + 1 : 0,
          truncatedRollouts: truncated ? truncatedRollouts + 1 : 0,
          seen:
            seen &&
            lookAt(seen, sampled.groups, {
              enough: params.checkGroups,
              isSpreadDue: withGeneral || !questions.hasGeneral,
              maxNewTokens,
            }),
        };
        checkPatience(state, {patience: params.patience, meanReward: summarise(traces)['reward']!, maxNewTokens});
        return state;
      };

      await training.until(params.steps, {}, async (step) => {
        if (training.own.pending.length === 0) training.own = await nextRollout(step);
        const [minibatch, ...pending] = training.own.pending as [Minibatch, ...Minibatch[]];
        const {values, ...updated} = engine.run.update(minibatch.rows, {learningRate: rateAt(step)});
        // Only now: an update that a stop cuts short is made again from the minibatch that is still pending.
        training.own = {...training.own, pending};
        const {loss, gradNorm, ratioMax = null, clippedShare, kl, entropy = null} = updated;
        if (engine.run.old === undefined) mismatch = samplerMismatch(minibatch.rows, values ?? []);
        const ofRollout = mismatch;
        mismatch = {};
        const warning = step === 0 && entropy !== null ? entropyWarning(entropy) : undefined;
        if (warning !== undefined) note(warning);
        if ((step + 1) % params.referenceEvery === 0 && klCoefficient > 0) engine.copy('policy', 'reference');
        return {
          measured: {
            ...summarise(minibatch.traces),
            loss,
            gradNorm,
            ...ofRollout,
            ...(reference ? {} : {skippedRows: updated.skippedRows}),
            ratioMax,
            clippedShare,
            kl,
            klLoss: klCoefficient * kl,
            entropy,
            ...(isWeighted ? importanceMeasures(minibatch.rows, importanceCap) : {}),
          },
          trainedTokens: countTokens(minibatch.rows.filter((row) => teaches(row, klCoefficient))),
        };
      });

      await saveModel(outputs.model, {
        config,
        weights: engine.read('policy'),
        tokenizerFrom: inputs.policy,
        generation: carriedOn(generation),
      });
      const {rollouts: rolloutsMade, samples} = training.own;
      await writeRows(outputs.history, training.history, {...training.summary(), rollouts: rolloutsMade});
      await writeRows(outputs.rollouts, samples, {rows: samples.length, kept: 'the first group of every rollout'});
      note(`${training.step} steps, ${rolloutsMade} rollouts, ${tokens.generated} tokens generated`);
    });
  },
});
