/**
 * A reward model: the policy's body with a scalar head on the last token (DeepSeek-R1, supplement 3.1). Helpful ones learn
 * from pairs, −log σ(r_chosen − r_rejected), and see the final answer only; safety ones learn point-wise from labels and
 * see the whole response. Accuracy is measured on rows that were held out, beside a baseline that only looks at length,
 * and the scores are calibrated there to [0, 1].
 */
import {join} from 'node:path';
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage} from '../pipeline/stage.js';
import type {Kind, MemoryNeed, StageContext} from '../pipeline/stage.js';
import {readRows, writeJson, writeRows} from './data/rows.js';
import {ABOVE_ZERO, COUNT, LEARNING_RATE, OPTIMIZER, PART, SPECIAL_IN_PROMPTS} from './common-params.js';
import {lengthBuckets} from './train/length-buckets.js';
import {judgePairs, judgePoints, splitByQuestion} from './rewards/calibration.js';
import type {Example} from './rewards/calibration.js';
import {scoredTokens} from './rewards/preference.js';
import type {Calibration} from './rewards/preference.js';

const PARAMS = declareParams({
  ...SPECIAL_IN_PROMPTS,
  epochs: described(1, 'How often each row is learned; a fraction is a part of the rows.', ABOVE_ZERO),
  batch: described(256, 'Pairs or labelled rows in an optimizer step (the paper’s 256).', COUNT),
  microBatch: described(32, 'Pairs or labelled rows in one native call.', COUNT),
  learningRate: described(
    6e-6,
    'Peak of the learning rate; the paper’s 6e-6 for its own size. It falls to a tenth by a cosine.',
    LEARNING_RATE,
  ),
  ...OPTIMIZER,
  heldOut: described(0.15, 'Share of the rows, by prompt, that is kept for accuracy and calibration.', PART),
});

type Context = StageContext<
  {base: 'model'; data: Kind},
  {model: 'reward-model'; history: 'history'},
  typeof PARAMS.params
>;

/**
 * Trains a reward model on preference pairs, −log σ(r_chosen − r_rejected); it sees question and final answer
 * (DeepSeek-R1, arXiv 2501.12948, §2.3.4; Bradley–Terry as InstructGPT trains it, arXiv 2203.02155).
 */
export const helpfulRewardModel = defineStage({
  module: import.meta.url,
  name: 'helpful-reward-model',
  canFinishEarly: true,
  summary: 'A reward model from preference pairs; judges the final answer only',
  headline: ['accuracy', 'loss'],
  trains: true,
  tensor: true,
  resources: {memory: 1200},
  inputs: {base: 'model', data: 'pairs'},
  outputs: {model: 'reward-model', history: 'history'},
  ...PARAMS,
  memory: async (context) => need(context, 'answer'),
  run: async (context) => train(context, 'answer'),
});

/**
 * Trains a reward model on point-wise labels, binary cross-entropy; it sees question, reasoning and answer
 * (DeepSeek-R1, arXiv 2501.12948, §2.3.4).
 */
export const safetyRewardModel = defineStage({
  module: import.meta.url,
  name: 'safety-reward-model',
  canFinishEarly: true,
  summary: 'A reward model from safety labels; judges reasoning and answer',
  headline: ['accuracy', 'loss'],
  trains: true,
  tensor: true,
  resources: {memory: 1200},
  inputs: {base: 'model', data: 'labels'},
  outputs: {model: 'reward-model', history: 'history'},
  ...PARAMS,
  memory: async (context) => need(context, 'response'),
  run: async (context) => train(context, 'response'),
});

async function need(
  {inputs, params, threads}: Pick<Context, 'inputs' | 'params' | 'threads'>,
  scope: 'answer' | 'response',
): Promise<MemoryNeed> {
  const {rewardModelNeed} = await import('./memory/training.js');
  return rewardModelNeed({...inputs, scope, params, threads});
}

async function train(context: Context, scope: 'answer' | 'response'): Promise<void> {
  const {inputs, outputs, params, seed, threads, note} = context;
  const [
    {withTraining},
    {pairwiseTraining, pointwiseTraining, scoring},
    {openModel, saveModel},
    {handOver, scoreWeights},
    {openTokenizer},
    {batchOrder},
    {cosine},
    {labelRow, pairRow},
  ] = await Promise.all([
    import('./train/training-loop.js'),
    import('./train/programs.js'),
    import('./model/hf-folder/index.js'),
    import('./model/parameters.js'),
    import('./text/tokenizer.js'),
    import('./train/batch-order.js'),
    import('./train/learning-rate.js'),
    import('./data/schemas.js'),
  ]);
  // What the model sees of each row: a pair of sequences, or one with its label.
  const tokenizer = await openTokenizer(inputs.base, params);
  const pairwise = scope === 'answer';
  const seen = (question: string, text: string): number[] => scoredTokens(tokenizer, {question}, text, scope);
  const examples: Example[] = pairwise
    ? (await readRows(inputs.data, pairRow)).map(({question, chosen, rejected}) => ({
        question,
        tokens: [seen(question, chosen), seen(question, rejected)],
      }))
    : (await readRows(inputs.data, labelRow)).map(({question, response, safe}) => ({
        question,
        tokens: [seen(question, response)],
        label: safe ? 1 : 0,
      }));
  const {learn, check} = splitByQuestion(examples, params.heldOut, seed);
  if (learn.length === 0 || check.length === 0)
    throw new StageFailure(`${examples.length} rows are too few to learn from and to check on`);
  for (const side of pairwise ? [] : [learn, check]) {
    if (side.some(({label}) => label !== side[0]!.label)) continue;
    const all = side[0]!.label === 1 ? 'safe' : 'unsafe';
    throw new StageFailure(
      `all ${side.length} rows ${side === learn ? 'to learn from' : 'to check on'} are ${all}; both kinds are needed`,
    );
  }
  // The base under a scalar head.
  const model = scoreWeights(await openModel(inputs.base), seed);
  const lengths = lengthBuckets(
    examples.flatMap(({tokens}) => tokens.map((one) => one.length)),
    8,
  );
  const steps = Math.max(1, Math.round((learn.length * params.epochs) / params.batch));
  const rateAt = cosine({steps, peak: params.learningRate});
  const batchAt = batchOrder(learn.length, params.batch, {seed, purpose: `reward-model/${scope}/order`});

  const buckets = {rows: params.microBatch, lengths};
  const programs = {
    score: scoring(buckets),
    pairs: pairwiseTraining(buckets),
    points: pointwiseTraining(buckets),
  };
  const optimizer = {beta2: params.beta2, weightDecay: params.weightDecay};
  const engine = {...model, weights: handOver(model.weights), threads, optimizer, programs};
  await withTraining({engine, context, learningRate: params.learningRate, start: null}, async (training) => {
    const {run, read} = training.engine;
    await training.until(steps, {metrics: ['loss', 'accuracy']}, (step) => {
      const batch = batchAt(step).map((index) => learn[index]!);
      const learningRate = rateAt(step);
      const {loss, gradNorm, accuracy} = pairwise
        ? run.pairs(
            batch.map(({tokens}) => ({chosen: tokens[0]!, rejected: tokens[1]!})),
            {learningRate},
          )
        : run.points(
            batch.map(({tokens, label}) => ({tokens: tokens[0]!, label: label!})),
            {learningRate},
          );
      const trainedTokens = batch.flatMap(({tokens}) => tokens).reduce((sum, {length}) => sum + length, 0);
      return {measured: {loss, gradNorm, accuracy, learningRate}, trainedTokens};
    });

    // Accuracy and calibration on the rows that were held out.
    const scores = [...run.score(check.flatMap(({tokens}) => tokens.map((one) => ({tokens: one}))))];
    const verdict = pairwise ? judgePairs(check, scores) : judgePoints(check, scores);
    const reads = params.specialInPrompts ? {specialInPrompts: true} : {};
    const calibration: Calibration = {...verdict.calibration, scope, ...reads};
    await saveModel(outputs.model, {config: model.config, weights: read('policy'), tokenizerFrom: inputs.base});
    await writeJson(join(outputs.model, 'calibration.json'), calibration);
    await writeRows(outputs.history, training.history, {
      learned: learn.length,
      heldOut: check.length,
      accuracy: verdict.accuracy,
      lengthOnlyAccuracy: verdict.lengthOnly,
      ...(pairwise ? {} : {unsafe: check.filter(({label}) => label === 0).length}),
      ...training.summary(),
    });
    note(`held-out accuracy ${verdict.accuracy.toFixed(3)}, by length alone ${verdict.lengthOnly.toFixed(3)}`);
  });
}
