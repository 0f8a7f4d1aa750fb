/**
 * Group-relative policy optimisation (DeepSeek-R1, equations 1–3; DeepSeekMath, arXiv 2402.03300): R1-Zero, reasoning RL,
 * all-scenario RL and the student's RL control are this stage with other rewards and templates.
 *
 * A step is one optimizer update. A rollout samples `questions × minibatches` groups, which are dealt into `minibatches`
 * updates, one inner epoch; so all but the first are slightly off-policy, and ratio and clip are at work. Policy, old and
 * reference log-probabilities divide the logits by the sampling temperature; the old ones are computed by the training
 * graph, not taken from the sampler. Rewards are pure functions in a worker that can be killed; a verdict that is
 * unparsable or timed out earns nothing and is counted as what it is.
 *
 * Departures from the paper: the loss is averaged per token as in DeepSeekMath unless `ratio` says 'sequence'; the
 * group's standard deviation has a floor.
 */
import {join} from 'node:path';
import {setImmediate as turn} from 'node:timers/promises';
import {StageFailure, optional, param, defineStage} from '../pipeline/stage.js';
import {readJson, readPrompts, writeJson, writeRows} from './data/rows.js';
import type {HistoryRow} from './data/schemas.js';
import {encodePrompts, sampleGroups, samplingWith} from './rollout/sample-groups.js';
import {lengthBuckets} from './train/length-buckets.js';
import type {EncodedPrompt, Rollout} from './rollout/sample-groups.js';
import {TEMPLATE_NAMES} from './text/template-names.js';
import type {TemplateName} from './text/template-names.js';
import {dealGroups, groupRows, summarise} from './rollout/minibatches.js';
import type {Minibatch, Scored, Trace} from './rollout/minibatches.js';
import {rolloutRow, traceOf} from './rollout/records.js';

const RATIOS = ['token', 'sequence'] as const;
const AGGREGATES = ['response-mean', 'token-mean', 'constant'] as const;
type Ratio = (typeof RATIOS)[number];
type Aggregate = (typeof AGGREGATES)[number];

interface State {
  readonly step: number;
  /** Questions taken so far from the reasoning and from the general prompts. */
  readonly drawn: {readonly reasoning: number; readonly general: number};
  readonly rollouts: number;
  /** Minibatches of the current rollout that are still to be trained on. */
  readonly pending: readonly Minibatch[];
  readonly history: readonly HistoryRow[];
  readonly samples: readonly object[];
  /** Rollouts in a row without any spread of rewards, and with most completions cut off. */
  readonly idle: number;
  readonly choked: number;
  readonly tokens: {readonly trained: number; readonly generated: number; readonly scored: number};
}

const START: State = {
  step: 0,
  drawn: {reasoning: 0, general: 0},
  rollouts: 0,
  pending: [],
  history: [],
  samples: [],
  idle: 0,
  choked: 0,
  tokens: {trained: 0, generated: 0, scored: 0},
};

export const grpo = defineStage({
  module: import.meta.url,
  name: 'grpo',
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
    /** Optimizer updates (the paper's R1-Zero: 10,400). */
    steps: 10_400,
    /** Questions in an update, completions per question, updates per rollout (32 × 16 = 512; 8,192 a rollout). */
    questions: 32,
    group: 16,
    minibatches: 16,
    maxNewTokens: 32_768,
    temperature: 1,
    learningRate: 3e-6,
    warmup: 0,
    weightDecay: 0,
    beta2: 0.98,
    /** β of the k3 estimator in the loss; 0 leaves the reference model out. */
    klCoefficient: 0.001,
    /** The policy becomes the reference every so many steps, from the next rollout on. */
    referenceEvery: 400,
    /** The paper's 10 for reasoning RL; not reported for R1-Zero. */
    clipLow: 10,
    clipHigh: 10,
    ratio: param<Ratio>('token'),
    /** 'response-mean' (DeepSeekMath), 'token-mean' (DAPO), or 'constant' = divided by maxNewTokens (Dr. GRPO). */
    aggregate: param<Aggregate>('response-mean'),
    divideByStd: param<boolean>(true),
    stdFloor: 0.05,
    accuracyReward: 1,
    formatReward: 1,
    languageReward: 0,
    /** Weight of the reward models' values; they apply to general prompts only. */
    preferenceReward: 1,
    /** Share of the steps after which general prompts come in, and their share of the questions from then on. */
    generalFrom: 0.75,
    generalShare: 0.5,
    /** DAPO: groups without spread are dropped and other questions drawn, at most so many times a rollout. */
    dynamicSampling: 0,
    maskTruncated: param<boolean>(false),
    overlongMargin: 0,
    /** The control: rewards are dealt out anew within each group. */
    shuffleRewards: param<boolean>(false),
    /** Stop after so many rollouts in a row without any spread (once general prompts are in, if any), or nine in ten cut off. */
    patience: 20,
    /** Prompts and rows in one native call. */
    chunk: 8,
    microBatch: 16,
    rewardTimeout: 2_000,
  },
  choices: {template: TEMPLATE_NAMES, ratio: RATIOS, aggregate: AGGREGATES},
  async run({inputs, outputs, params, seed, threads, cores, checkpoints, progress, metric, note}) {
    const [
      {openEngine},
      {grpoTraining, logProbabilities},
      {planRollouts},
      {openModel, saveModel},
      {countParameters},
      files,
      {openTokenizer},
      {batchOrder},
      {constant},
      {openScorer},
      {openRewardModel},
      {builtInTasks},
      {taskOf},
      {reflectiveWords},
    ] = await Promise.all([
      import('./engine/engine.js'),
      import('./train/programs.js'),
      import('./rollout/open-sampler.js'),
      import('./model/hf-folder.js'),
      import('./model/parameters.js'),
      import('./engine/save-state.js'),
      import('./text/tokenizer.js'),
      import('./train/batch-order.js'),
      import('./train/learning-rate.js'),
      import('./rewards/index.js'),
      import('./rewards/preference.js'),
      import('./tasks/built-in.js'),
      import('./tasks/task.js'),
      import('./text/language.js'),
    ]);
    const {config, weights} = await openModel(inputs.policy);
    const tokenizer = await openTokenizer(inputs.policy);
    const limit = config.maxPositions - params.maxNewTokens;
    if (limit <= 0)
      throw new StageFailure(
        `maxNewTokens ${params.maxNewTokens} leaves no room for a prompt: the model has ${config.maxPositions} positions`,
      );
    const encode = async (folder: string | undefined): Promise<EncodedPrompt[]> =>
      folder === undefined
        ? []
        : encodePrompts(await readPrompts(folder), {tokenizer, template: params.template, limit});
    const reasoning = await encode(inputs.prompts);
    const general = await encode(inputs.general);
    if (reasoning.length === 0) throw new StageFailure('there are no prompts');

    const promptLengths = lengthBuckets(
      [...reasoning, ...general].map(({tokens}) => tokens.length),
      2,
    );
    const longest = promptLengths.at(-1)! + params.maxNewTokens;
    const lengths = lengthBuckets(
      Array.from({length: 10}, (_, i) => (longest * (i + 1)) / 10),
      10,
    );
    const {microBatch: rows, temperature, chunk, group, maxNewTokens} = params;
    const sampling = {prompts: chunk, group, promptLengths, maxNewTokens, temperature, topP: 1};
    const rollouts = planRollouts({config, sampling: samplingWith(tokenizer, sampling), threads, cores, note});
    const engine = await openEngine({
      config,
      weights,
      threads,
      reference: params.klCoefficient > 0,
      optimizer: {beta1: 0.9, beta2: params.beta2, epsilon: 1e-8, weightDecay: params.weightDecay, maxNorm: 1},
      programs: {
        update: grpoTraining({
          rows,
          lengths,
          temperature,
          ratio: params.ratio,
          aggregate: params.aggregate === 'constant' ? {constant: params.maxNewTokens} : params.aggregate,
          clipLow: params.clipLow,
          clipHigh: params.clipHigh,
          klCoefficient: params.klCoefficient,
        }),
        old: logProbabilities({rows, lengths, temperature}),
        ...(params.klCoefficient > 0
          ? {reference: logProbabilities({rows, lengths, temperature, of: 'reference' as const})}
          : {}),
        ...rollouts.programs,
      },
    });
    const sampler = rollouts.open(engine);
    const openPreference = (folder: string | undefined) =>
      folder === undefined ? undefined : openRewardModel(folder, {threads, maxTokens: longest});
    const helpful = await openPreference(inputs.helpful);
    const safety = await openPreference(inputs.safety);
    const scorer = await openScorer({
      timeoutMs: params.rewardTimeout,
      weights: {accuracy: params.accuracyReward, format: params.formatReward, language: params.languageReward},
    });

    let state: State = START;
    if (checkpoints.latest !== undefined) {
      state = (await readJson(join(checkpoints.latest, 'state.json'))) as State;
      await files.restoreState(engine, join(checkpoints.latest, 'state.safetensors'));
    }
    const questionAt = batchOrder(reasoning.length, 1, {seed, purpose: 'grpo/questions'});
    const generalAt =
      general.length === 0 ? undefined : batchOrder(general.length, 1, {seed, purpose: 'grpo/general-questions'});
    const rateAt = constant({warmup: params.warmup, peak: params.learningRate});
    const perRollout = params.questions * params.minibatches;

    /** Rewards for groups of completions: rules for all, a reward model's word on general prompts. */
    const score = async (groups: readonly (readonly Rollout[])[]): Promise<Scored[][]> => {
      const all = groups.flat();
      const ruled = await scorer.score(
        all.map(({prompt, completion, tokens}) => ({prompt, completion, tokens: tokens.length})),
      );
      const scored = all.map((rollout, index): Scored => ({
        rollout,
        reward: ruled[index]!.total,
        verdicts: ruled[index]!.verdicts,
      }));
      for (const [name, judge] of [
        ['helpful', helpful],
        ['safe', safety],
      ] as const) {
        if (judge === undefined) continue;
        const places = all.flatMap(({prompt}, index) =>
          taskOf(builtInTasks, prompt).preference?.(prompt) === name ? [index] : [],
        );
        const values = judge.reward(
          places.map((index) => ({prompt: all[index]!.prompt, completion: all[index]!.completion.text})),
        );
        places.forEach((index, i) => {
          const one = scored[index]!;
          scored[index] = {
            ...one,
            reward: one.reward + params.preferenceReward * values[i]!,
            preference: {[name]: values[i]!},
          };
        });
      }
      return groups.map((members, index) => scored.slice(index * members.length, (index + 1) * members.length));
    };

    /** Samples, scores and deals one rollout into minibatches. */
    const rollOut = async (): Promise<void> => {
      const withGeneral = generalAt !== undefined && state.step >= params.generalFrom * params.steps;
      const drawn = {...state.drawn};
      const tokens = {...state.tokens};
      const kept: {rows: Minibatch['rows']; traces: Trace[]; group: Scored[]}[] = [];
      for (let round = 0; kept.length < perRollout && round <= params.dynamicSampling; round++) {
        const wanted = perRollout - kept.length;
        const fromGeneral = withGeneral ? Math.round(wanted * params.generalShare) : 0;
        const questions = Array.from({length: wanted}, (_, i) =>
          i < fromGeneral ? general[generalAt!(drawn.general++)[0]!]! : reasoning[questionAt(drawn.reasoning++)[0]!]!,
        );
        const groups = await score(
          await sampleGroups(sampler, questions, {
            tokenizer,
            group,
            chunk,
            maxNewTokens,
            key: {seed, purpose: `grpo/rollout/${round}`, step: state.rollouts},
          }),
        );
        for (const [index, members] of groups.entries()) {
          const {rows: update, groupSpread} = groupRows(members, params, {
            seed,
            step: state.rollouts,
            group: round * perRollout + index,
          });
          tokens.generated += members.reduce((sum, {rollout}) => sum + rollout.tokens.length, 0);
          if (params.dynamicSampling > 0 && groupSpread < 1e-6 && round < params.dynamicSampling) continue;
          kept.push({
            rows: update,
            group: members,
            traces: members.map((one) => traceOf(one, groupSpread, reflectiveWords)),
          });
        }
      }
      const all = kept.flatMap(({rows: update}) => update);
      const old = engine.run.old(all);
      const reference = params.klCoefficient > 0 ? engine.run.reference!(all) : undefined;
      if (reference !== undefined) tokens.scored += all.reduce((sum, row) => sum + row.tokens.length, 0);
      all.forEach((row, index) => {
        row.oldLogProbs = [...old[index]!];
        if (reference !== undefined) row.referenceLogProbs = [...reference[index]!];
      });
      const traces = kept.flatMap((one) => one.traces);
      const spreadless = traces.every(({groupSpread}) => groupSpread < 1e-6);
      const cutOff = traces.filter(({finished}) => !finished).length / traces.length;
      const pending = dealGroups(kept, params.minibatches, {seed, step: state.rollouts}).map((groups) => ({
        rows: groups.flatMap(({rows: update}) => update),
        traces: groups.flatMap((one) => one.traces),
      }));
      state = {
        ...state,
        drawn,
        tokens,
        pending,
        rollouts: state.rollouts + 1,
        // A policy that solves all its problems learns nothing more from them, but general prompts are still to come.
        idle: spreadless && (withGeneral || generalAt === undefined) ? state.idle + 1 : 0,
        choked: cutOff > 0.9 ? state.choked + 1 : 0,
        samples: [...state.samples, ...kept[0]!.group.map((one) => rolloutRow(one, state.step))],
      };
      if (state.idle >= params.patience)
        throw new StageFailure(
          `${state.idle} rollouts in a row had no group whose rewards differ, so there is nothing to learn from; the last rollout's mean reward is ${summarise(traces)['reward']!.toFixed(3)}`,
        );
      if (state.choked >= params.patience)
        throw new StageFailure(
          `${state.choked} rollouts in a row were cut off at ${params.maxNewTokens} tokens nine times in ten; raise maxNewTokens`,
        );
    };

    while (state.step < params.steps) {
      await turn(); // a request to stop gets through between two native calls
      if (state.pending.length === 0) await rollOut();
      const [minibatch, ...pending] = state.pending as [Minibatch, ...Minibatch[]];
      const learningRate = rateAt(state.step);
      const {loss, gradNorm, ratioMax, clippedShare, kl, entropy} = engine.run.update(minibatch.rows, {learningRate});
      if (!Number.isFinite(loss))
        throw new StageFailure(
          `the loss is ${loss} at step ${state.step + 1}; a lower learningRate than ${params.learningRate} may help`,
        );
      const step = state.step + 1;
      const measured: Record<string, number | null> = {
        ...summarise(minibatch.traces),
        loss,
        gradNorm,
        ratioMax,
        clippedShare,
        kl,
        klLoss: params.klCoefficient * kl,
        entropy,
      };
      state = {
        ...state,
        step,
        pending,
        history: [...state.history, {id: `step-${step}`, from: [], step, ...measured}],
        tokens: {
          ...state.tokens,
          trained: state.tokens.trained + minibatch.rows.reduce((sum, row) => sum + row.tokens.length, 0),
        },
      };
      if (step % params.referenceEvery === 0 && params.klCoefficient > 0) engine.copy('policy', 'reference');
      progress({step, total: params.steps, tokens: state.tokens.trained + state.tokens.generated});
      for (const [name, value] of Object.entries(measured)) if (value !== null) metric(name, step, value);
      if (step < params.steps && checkpoints.due(step)) {
        await checkpoints.save(step, async (folder) => {
          await writeJson(join(folder, 'state.json'), state);
          await files.saveState(engine, join(folder, 'state.safetensors'));
        });
      }
    }
    await Promise.all([sampler.close(), scorer.close()]);
    helpful?.close();
    safety?.close();
    await saveModel(outputs.model, {
      config,
      weights: engine.read('policy'),
      tokenizerFrom: inputs.policy,
      generation: {temperature: 0.6, top_p: 0.95},
    });
    const parameters = countParameters(config);
    const {trained, generated, scored} = state.tokens;
    await writeRows(outputs.history, state.history, {
      parameters,
      trainedTokens: trained,
      generatedTokens: generated,
      scoredTokens: scored,
      steps: state.step,
      rollouts: state.rollouts,
    });
    await writeRows(outputs.rollouts, state.samples, {
      rows: state.samples.length,
      kept: 'the first group of every rollout',
    });
    engine.dispose();
    note(`${state.step} steps, ${state.rollouts} rollouts, ${generated} tokens generated`);
  },
});
