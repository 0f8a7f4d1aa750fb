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
import {declareParams, described} from '../pipeline/params.js';
import {optional, defineStage} from '../pipeline/stage.js';
import {writeRows} from './data/rows.js';
import {isErrorOf} from './data/standard-errors.js';
import {samplingWith} from './rollout/sample-groups.js';
import {lengthBuckets} from './train/length-buckets.js';
import {COMPUTING, PRECISIONS} from './train/compute.js';
import {OBJECTIVE} from './train/grpo-params.js';
import {GRADING} from './graders/settings.js';
import {COUNT, COUNT_OR_NONE, SPECIAL_IN_PROMPTS, chunk} from './common-params.js';
import {JUDGING_TIME} from './rewards/names.js';
import {ASKING} from './tasks/asking.js';
import {template} from './text/template-names.js';
import {dealMinibatches, summarise} from './rollout/minibatches.js';
import type {Minibatch} from './rollout/minibatches.js';
import {openSnapshots} from './train/snapshots.js';
import {checkKnownPairs, entropyWarning} from './rollout/check-graders.js';
import {drawnHow} from './rollout/records.js';
import {REINFORCEMENT, reinforcementCautions, reinforcementMistakes} from './rollout/reinforcement-params.js';
import {START, observe, type State} from './rollout/state.js';

/**
 * Reinforcement learning with GRPO (DeepSeek-R1, arXiv 2501.12948, §2.2.1, equations 1–3; DeepSeekMath, arXiv
 * 2402.03300, §4.1): samples groups of completions, scores them by rule rewards and reward models, and makes optimizer
 * updates. `model` is the policy at the end, `history` a row for each update, `rollouts` samples with their verdicts, and `snapshots`
 * the policy after each of the steps that the param lists.
 *
 * @throws {StageFailure} from `run`: the loss is not finite, or for `patience` rollouts in a row nothing could be
 * learned
 */
export const grpo = defineStage({
  module: import.meta.url,
  name: 'grpo',
  canFinishEarly: true,
  summary: 'Reinforcement learning from rule rewards and, where wired, reward models',
  headline: ['accuracy', 'reward', 'length'],
  trains: true,
  tensor: true,
  resources: {memory: 2000},
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
    ...ASKING,
    ...REINFORCEMENT,
    ...OBJECTIVE,
    dynamicSampling: described(
      0,
      'DAPO: groups without spread are dropped and other questions drawn, in at most this many more rounds a rollout.',
      COUNT_OR_NONE,
    ),
    chunk: chunk(8),
    microBatch: described(16, 'Rows of an update in one native call.', COUNT),
    ...COMPUTING,
    rolloutPrecision: described(
      'f32',
      'Precision of products with weights in sampling. bf16 rollouts of few samples save no time (stages/engine/README.md).',
      PRECISIONS,
    ),
    ...JUDGING_TIME,
    ...GRADING,
  }),
  definitions: {rewards: 'reward', tasks: 'task'},
  caution: (params) => reinforcementCautions(params),
  check: (wired) => reinforcementMistakes(wired),
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
      {meanLength},
      {carriedOn, openModel, readConfig, saveModel},
      {openTokenizer},
      {constant},
      {handOver},
      {computesAgain},
      {announceMemory},
      {reinforcementNeed},
      {importanceMeasures, samplerMismatch},
      {reflectiveWords},
      {openAsked},
    ] = await Promise.all([
      import('./train/training-loop.js'),
      import('./train/grpo-updates.js'),
      import('./rollout/open-sampler.js'),
      import('./rollout/group-scorer.js'),
      import('./rollout/roll-out.js'),
      import('./rollout/questions.js'),
      import('./rollout/length-limit.js'),
      import('./model/hf-folder/index.js'),
      import('./text/tokenizer.js'),
      import('./train/learning-rate.js'),
      import('./model/parameters.js'),
      import('./memory/parts.js'),
      import('./memory/need.js'),
      import('./memory/sampling.js'),
      import('./train/importance.js'),
      import('./text/language.js'),
      import('./rollout/asked.js'),
    ]);
    // The policy, and the questions as tokens.
    const {config, weights, generation} = await openModel(inputs.policy);
    const tokenizer = await openTokenizer(inputs.policy, params);
    tokenizer.notes.forEach((text) => note(text));
    const {tasks, reasoning, general} = await openAsked(inputs, {
      params,
      tokenizer,
      positions: config.maxPositions,
      definitions: definitions.tasks,
      cores,
      note,
    });

    // What is compiled: sampling for two lengths of prompts; log-probabilities and updates for some lengths of whole rows.
    const tokensOf = [...reasoning, ...general].map(({tokens}) => tokens.length);
    const promptLengths = lengthBuckets(tokensOf, 2);
    const longest = promptLengths.at(-1)! + params.maxNewTokens;
    const {temperature, group, maxNewTokens, klCoefficient, ratio, importanceCap, precision} = params;
    const groups = params.questions * params.minibatches;
    const inCall = Math.min(params.chunk, groups);
    const drawing = {temperature, topP: 1, precision: params.rolloutPrecision};
    const sampling = {prompts: inCall, group, promptLengths, maxNewTokens, ...drawing};
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

    const snapshots = openSnapshots(outputs.snapshots, params.snapshots);
    const loop = {engine, context, learningRate: params.learningRate, start: START, sideOutputs: snapshots};
    await withTraining(loop, async (training) => {
      const {engine, tokens} = training;
      const save = (folder: string): Promise<void> =>
        saveModel(folder, {
          config,
          weights: engine.read('policy'),
          tokenizerFrom: inputs.policy,
          generation: carriedOn(generation),
        });
      const sampler = rollouts.open(engine);
      training.closeAtEnd(sampler);
      const lengthLimit = inputs.lengthFrom === undefined ? maxNewTokens : await meanLength(inputs.lengthFrom, note);
      const scorer = await openGroupScorer({
        weights: params.rewards,
        timeoutMs: params.rewardTimeout,
        refs: definitions,
        tasks,
        models: {helpful: inputs.helpful, safe: inputs.safety},
        lengthLimit,
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
        chunk: inCall,
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
        const {cursor, rollouts} = training.own;
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

        const isSpreadDue = withGeneral || !questions.hasGeneral;
        return {
          ...observe(training.own, sampled.groups, {...params, step, isSpreadDue}),
          cursor: sampled.cursor,
          pending: dealMinibatches(
            sampled.groups,
            {old, reference},
            params.minibatches,
            {seed, step: rollouts},
            isWeighted ? {cap: importanceCap, ratio} : undefined,
          ),
        };
      };

      const steps = {isHistoryOnly: isErrorOf, afterStep: (step: number) => snapshots.take(step, save)};
      await training.until(params.steps, steps, async (step) => {
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

      await save(outputs.model);
      await snapshots.finish(training.step, save);
      const {rollouts: rolloutsMade, samples} = training.own;
      const card = {...training.summary(), rollouts: rolloutsMade, ...drawnHow(params, questions.hasGeneral)};
      await writeRows(outputs.history, training.history, card);
      await writeRows(outputs.rollouts, samples, {rows: samples.length, kept: 'the first group of every rollout'});
      note(`${training.step} steps, ${rolloutsMade} rollouts, ${tokens.generated} tokens generated`);
    });
  },
});
