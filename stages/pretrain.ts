/**
 * Pre-training: a base model from documents, next-token loss. A document's `prompt` part (a random question) is read but
 * not learned, since its digits cannot be predicted; plain text has no such part and is learned whole.
 *
 * Reinforcement learning needs a base that finds the right answer now and then. So, where validation problems are wired and
 * `gate` is above 0, the stage ends only when pass@k on them is high enough. A model that is far from it sits on a plateau
 * that training on rarely leaves: it starts afresh, from other initial weights. One that is near trains on in chunks. At the
 * cap the stage fails and says so.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, optional, defineStage} from '../pipeline/stage.js';
import {readPrompts, readRows, writeRows} from './data/rows.js';
import {encodePrompts, sampleGroups, samplingWith} from './rollout/sample-groups.js';
import {lengthBuckets} from './train/length-buckets.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {
  ABOVE_ZERO,
  LEARNING_RATE,
  COUNT,
  COUNT_OR_NONE,
  OPTIMIZER,
  SHARE,
  SPECIAL_IN_PROMPTS,
  temperature,
  topP,
} from './common-params.js';
import {JUDGING_TIME} from './rewards/names.js';
import {groundMistakes} from './tasks/wired-tasks.js';
import {template} from './text/template-names.js';

/** Where the training stands between two looks at the gate. */
interface Phase {
  /** Fresh starts so far, and the step at which the last one began. */
  readonly fresh: number;
  readonly begin: number;
  /** Step at which the training ends unless the gate says otherwise. */
  readonly end: number;
}

/**
 * Trains a base model from fresh weights by next-token cross-entropy, until sampling solves enough of the validation
 * problems: the ground that R1-Zero needs (DeepSeek-R1, arXiv 2501.12948, §2.2, starts from DeepSeek-V3-Base).
 *
 * @throws {StageFailure} from `run`: the loss is not finite, a document is longer than `maxPositions`, or the gate has no
 * problem to check or is missed at `maxSteps`
 */
export const pretrain = defineStage({
  module: import.meta.url,
  name: 'pretrain',
  canFinishEarly: true,
  summary: 'A base model from raw documents, trained until it can solve some problems by sampling',
  headline: ['loss'],
  trains: true,
  tensor: true,
  resources: {memory: 1500},
  inputs: {documents: 'dataset', tokenizer: 'tokenizer', validation: optional('prompts')},
  outputs: {model: 'model', history: 'history'},
  ...declareParams({
    hiddenSize: described(64, 'Width of the model: numbers that stand for a token between layers.', COUNT),
    intermediateSize: described(192, 'Width of the feed-forward blocks (SwiGLU).', COUNT),
    layers: described(2, 'Layers of attention and feed-forward.', COUNT),
    heads: described(4, 'Attention heads; they divide hiddenSize.', COUNT),
    keyValueHeads: described(4, 'Heads of keys and values; fewer than heads is grouped-query attention.', COUNT),
    maxPositions: described(128, 'Tokens of the longest document, and of prompt and response together.', COUNT),
    ropeTheta: described(10_000, 'Base of the rotary frequencies (arXiv 2104.09864).', ABOVE_ZERO),
    initializerRange: described(
      0.02,
      'Standard deviation of the fresh matrices; the usual 0.02 is small for narrow models.',
      ABOVE_ZERO,
    ),
    tied: described(true, 'Whether input and output embeddings are one matrix.'),
    headNorms: described(
      false,
      'Whether each head’s queries and keys are normalized (QK-Norm; a Qwen3 and not a Llama is written). A narrow model finds out sooner, and on more seeds, which token to look at.',
    ),
    steps: described(2_200, 'Optimizer updates, before the gate asks for more.', COUNT),
    batch: described(64, 'Documents in an optimizer step.', COUNT),
    microBatch: described(
      32,
      'Documents in one native call; the sum over a step is the same, its last bits are not.',
      COUNT,
    ),
    learningRate: described(4e-3, 'Peak of the learning rate, between warmup and decayFrom.', LEARNING_RATE),
    warmup: described(50, 'Updates over which the learning rate rises linearly from 0.', COUNT_OR_NONE),
    decayFrom: described(
      0.6,
      'The learning rate falls from here on, as a share of the steps, linearly to a twentieth.',
      SHARE,
    ),
    ...OPTIMIZER,
    curriculum: described(
      0,
      'First updates in which documents come in by length: the shortest third of them at first, all at the end. A narrow model finds out sooner what follows what.',
      COUNT_OR_NONE,
    ),
    gate: described(
      0.9,
      'pass@gateSamples on gateProblems validation problems must reach this before the stage ends; 0 turns it off.',
      SHARE,
    ),
    gateProblems: described(100, 'Validation problems that the gate asks, the first ones.', COUNT_OR_NONE),
    gateSamples: described(16, 'Samples of each of them.', COUNT),
    gateTemplate: template('zero'),
    ...SPECIAL_IN_PROMPTS,
    gateTemperature: temperature(0.6),
    gateTopP: topP(0.95),
    ...JUDGING_TIME,
    ...GRADING,
    maxNewTokens: described(48, 'Tokens of a sample of the gate, the end token included.', COUNT),
    freshStarts: described(
      0,
      'At most this many times, a model below freshBelow after `steps` is given up for one from other initial weights.',
      COUNT_OR_NONE,
    ),
    freshBelow: described(
      0.8,
      'pass@gateSamples below which a model is given up: it sits on a plateau that training on rarely leaves.',
      SHARE,
    ),
    extraSteps: described(400, 'Steps that are added while the gate is missed.', COUNT),
    maxSteps: described(4_600, 'The most steps in all; a model that misses the gate there fails the stage.', COUNT),
  }),
  definitions: {tasks: 'task'},
  caution: (params) =>
    gradingCautions(params, `${params.gateSamples} a validation problem each time the gate is tried`),
  check: ({params, ...wired}) => [
    ...headMistakes(params),
    ...judgeMistakes(params.judge),
    ...groundMistakes(wired, {isGated: params.gate > 0}),
  ],
  async memory({inputs, params, threads, cores}) {
    const {pretrainingNeed} = await import('./memory/sampling.js');
    return pretrainingNeed({...inputs, params, threads, cores});
  },
  async run(context) {
    const {inputs, outputs, params, definitions, seed, threads, cores, metric, note} = context;
    const [
      {withTraining, countTokens},
      {crossEntropyTraining},
      {planRollouts},
      {newConfig},
      {handOver, initialWeights},
      {PAPER_SAMPLING, saveModel},
      {openTokenizer},
      {curriculumOrder},
      {openScorer},
      {tasksWith},
      {isCheckable},
      {prepareGraders},
      {documentRow},
    ] = await Promise.all([
      import('./train/training-loop.js'),
      import('./train/programs.js'),
      import('./rollout/open-sampler.js'),
      import('./model/config.js'),
      import('./model/parameters.js'),
      import('./model/hf-folder/index.js'),
      import('./text/tokenizer.js'),
      import('./train/batch-order.js'),
      import('./rewards/index.js'),
      import('./tasks/load-tasks.js'),
      import('./tasks/task.js'),
      import('./graders/registry.js'),
      import('./data/schemas.js'),
    ]);
    // A fresh model of the tokenizer's vocabulary, and the documents as tokens with a mark on those that are learned.
    const tokenizer = await openTokenizer(inputs.tokenizer, params);
    const config = newConfig({
      vocabSize: tokenizer.size,
      hiddenSize: params.hiddenSize,
      intermediateSize: params.intermediateSize,
      layers: params.layers,
      heads: params.heads,
      keyValueHeads: params.keyValueHeads,
      maxPositions: params.maxPositions,
      ropeTheta: params.ropeTheta,
      initializerRange: params.initializerRange,
      tied: params.tied,
      headNorms: params.headNorms,
      eosId: tokenizer.eosId,
      padId: tokenizer.padId,
    });
    const rows = (await readRows(inputs.documents, documentRow)).map(({id, prompt, response}) => {
      const before = prompt === '' ? [] : tokenizer.encode(prompt);
      const tokens = [...before, ...tokenizer.encode(response), tokenizer.eosId];
      if (tokens.length > params.maxPositions)
        throw new StageFailure(
          `document ${id} has ${tokens.length} tokens, maxPositions is ${params.maxPositions}; raise it, or have shorter documents made (steps of corpus)`,
        );
      // The first token has nothing before it to be predicted from.
      return {tokens, mask: tokens.map((_, i) => (i === 0 || i < before.length ? 0 : 1))};
    });
    // The gate's problems, and how they are sampled.
    const gated = params.gate > 0 && inputs.validation !== undefined;
    const tasks = await tasksWith(definitions.tasks);
    const problems = gated
      ? (await readPrompts(inputs.validation, tasks))
          .filter((prompt) => isCheckable(tasks, prompt))
          .slice(0, params.gateProblems)
      : [];
    if (gated && problems.length === 0)
      throw new StageFailure(
        'the gate has no validation problem whose answer can be checked: wire prompts that have answers to “validation”' +
          `${params.gateProblems > 0 ? '' : ' and raise gateProblems above 0'}, or set gate: 0`,
      );
    await prepareGraders(problems, {cores, sandbox: params.sandbox, judge: params.judge, note});
    const questions = encodePrompts(problems, {
      tokenizer,
      template: params.gateTemplate,
      limit: params.maxPositions - params.maxNewTokens,
      note,
    });
    const chunk = 8;
    const rollouts = planRollouts({
      config,
      sampling: samplingWith(tokenizer, {
        prompts: chunk,
        group: params.gateSamples,
        promptLengths: lengthBuckets(
          questions.map(({tokens}) => tokens.length),
          1,
        ),
        maxNewTokens: params.maxNewTokens,
        temperature: params.gateTemperature,
        topP: params.gateTopP,
      }),
      threads,
      cores,
      note,
      signal: context.signal,
    });
    const lengths = lengthBuckets(
      rows.map(({tokens}) => tokens.length),
      12,
    );
    const batchAt = curriculumOrder(
      rows.map(({tokens}) => tokens.length),
      params.batch,
      {seed, purpose: 'pretrain/order', curriculum: params.curriculum},
    );

    const engine = {
      config,
      weights: handOver(initialWeights(config, seed)),
      threads,
      optimizer: {beta2: params.beta2, weightDecay: params.weightDecay},
      programs: {train: crossEntropyTraining({rows: params.microBatch, lengths}), ...rollouts.programs},
    };
    const start: Phase = {fresh: 0, begin: 0, end: params.steps};
    await withTraining({engine, context, learningRate: params.learningRate, start}, async (training) => {
      const {engine} = training;
      const sampler = rollouts.open(engine);
      training.closeAtEnd(sampler);
      const scorer = await openScorer({
        timeoutMs: params.rewardTimeout,
        weights: {},
        refs: definitions,
        cores,
        grading: params,
        note,
        signal: context.signal,
      });
      training.closeAtEnd(scorer);
      /** pass@k of the current weights: the share of the validation problems that one of k samples solves. */
      const measurePass = async (): Promise<number> => {
        const groups = await sampleGroups(sampler, questions, {
          tokenizer,
          group: params.gateSamples,
          chunk,
          maxNewTokens: params.maxNewTokens,
          key: {seed, purpose: 'pretrain/gate', step: training.step},
        });
        const scored = await scorer.score(groups.flat().map(({prompt, completion}) => ({prompt, completion})));
        const right = groups.flat().filter((_, index) => scored[index]!.verdicts.accuracy.outcome === 'right');
        return new Set(right.map(({prompt}) => prompt.id)).size / groups.length;
      };

      // A checkpoint may be due at the end of a phase too: the gate's samples depend on the step alone, so asking again
      // gives the same answer.
      const options = {metrics: ['loss'], reportEvery: 10, checkpointAtEnd: true};
      for (;;) {
        const {fresh, begin, end} = training.own;
        await training.until(end, options, (step) => {
          const batch = batchAt(step - begin).map((index) => rows[index]!);
          const learningRate = rateAt(step - begin, end - begin, params);
          const {loss, gradNorm} = engine.run.train(batch, {learningRate});
          return {measured: {loss, gradNorm, learningRate}, trainedTokens: countTokens(batch)};
        });
        if (training.isFinishedEarly && gated) note('the gate was not tried, as the training was finished early');
        if (!gated || training.isFinishedEarly) break;

        const {step} = training;
        const passed = await training.keptOnStop(measurePass);
        metric(`pass@${params.gateSamples}`, step, passed);
        const sentence = `pass@${params.gateSamples} on ${problems.length} validation problems is ${passed.toFixed(3)} after ${step} steps`;
        note(sentence);
        const next = afterGate({passed, step, fresh, begin}, params);
        if (next === 'done') break;
        if (next === 'fail')
          throw new StageFailure(
            `${sentence}, below ${params.gate}: too weak a base for reinforcement learning; raise maxSteps (${params.maxSteps}) or the model's size`,
          );
        if (next === 'longer') training.own = {fresh, begin, end: step + params.extraSteps};
        else {
          training.own = {fresh: fresh + 1, begin: step, end: step + params.steps};
          note(
            `far below ${params.gate}, so it starts afresh from other initial weights (${fresh + 1} of ${params.freshStarts})`,
          );
          engine.write('policy', initialWeights(config, seed, fresh + 1));
          engine.resetOptimizer();
        }
      }

      await saveModel(outputs.model, {
        config,
        weights: engine.read('policy'),
        tokenizerFrom: inputs.tokenizer,
        generation: PAPER_SAMPLING,
      });
      await writeRows(outputs.history, training.history, training.summary());
    });
  },
});

/** What is wrong with the shape of the heads, in the names of the params. */
export function headMistakes({
  hiddenSize,
  heads,
  keyValueHeads,
}: {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly keyValueHeads: number;
}): string[] {
  const width = hiddenSize / heads;
  return [
    ...(Number.isInteger(width) ? [] : [`heads is ${heads} and should divide hiddenSize, which is ${hiddenSize}`]),
    ...(Number.isInteger(width) && width % 2 !== 0
      ? [
          `hiddenSize is ${hiddenSize}, so that each of ${heads} heads has ${width} numbers; rotary positions need an even one`,
        ]
      : []),
    ...(heads % keyValueHeads === 0
      ? []
      : [`keyValueHeads is ${keyValueHeads} and should divide heads, which is ${heads}`]),
  ];
}

/** What follows a look at the gate. A start is judged once, after its first `steps`; from then on it can only train on. */
export function afterGate(
  {
    passed,
    step,
    fresh,
    begin,
  }: {readonly passed: number; readonly step: number; readonly fresh: number; readonly begin: number},
  params: {
    readonly gate: number;
    readonly steps: number;
    readonly freshStarts: number;
    readonly freshBelow: number;
    readonly extraSteps: number;
    readonly maxSteps: number;
  },
): 'done' | 'fresh' | 'longer' | 'fail' {
  if (passed >= params.gate) return 'done';
  const stuck = step - begin === params.steps && passed < params.freshBelow && fresh < params.freshStarts;
  const more = stuck ? params.steps : params.extraSteps;
  if (step + more > params.maxSteps) return 'fail';
  return stuck ? 'fresh' : 'longer';
}

interface Rate {
  readonly steps: number;
  readonly extraSteps: number;
  readonly learningRate: number;
  readonly warmup: number;
  readonly decayFrom: number;
}

/**
 * Warm-up, plateau, linear fall to a twentieth. Added steps do the same without the warm-up: a base that is on a plateau
 * leaves it at the full rate, if at all.
 */
export function rateAt(step: number, end: number, {steps, extraSteps, learningRate, warmup, decayFrom}: Rate): number {
  const length = end > steps ? extraSteps : steps;
  const share = (step - (end - length)) / length;
  const fallen = share <= decayFrom ? 0 : (share - decayFrom) / (1 - decayFrom);
  return learningRate * Math.min(1, (step + 1) / warmup) * (1 - 0.95 * fallen);
}
