/** Params that the stages of TRL's trainers share; light, for recipes that are only planned. */
import {described} from '../../pipeline/params.js';
import type {Json} from '../../pipeline/params.js';
import {COUNT, COUNT_OR_NONE} from '../common-params.js';
import {PRECISIONS} from '../train/compute.js';

/** How a training is spread and computed. */
export const TRAINING = {
  ranks: described(
    1,
    'Processes that train together, each on its part of a batch (torch.distributed.run). Their number changes the last bits, and divides the rows of an update.',
    COUNT,
  ),
  microBatch: described(
    0,
    'Rows that a rank has in one forward pass; 0: all rows that it has of an update.',
    COUNT_OR_NONE,
  ),
  precision: described(
    'f32',
    'Precision of products with weights (bf16 is autocast); weights stay float32.',
    PRECISIONS,
  ),
  activationCheckpointing: described(
    'off',
    'Whether layers are computed again in the backward pass instead of being kept.',
    ['on', 'off'],
  ),
  config: described<{readonly [name: string]: Json}>(
    {},
    'Further settings of TRL’s trainer by the names of its configuration (SFTConfig, GRPOConfig); what the stage sets itself is refused.',
    {should: 'a record', isRight: (value) => typeof value === 'object' && value !== null && !Array.isArray(value)},
  ),
};

/** Rows of a rank in one forward pass. */
export const microBatchOf = (
  rows: number,
  {ranks, microBatch}: {readonly ranks: number; readonly microBatch: number},
) => (microBatch === 0 ? rows / ranks : microBatch);

/**
 * What is wrong with how the rows of an update are spread, each a sentence.
 *
 * @param rows of an update, and what a person calls them
 */
export function spreadMistakes(
  {rows, named}: {readonly rows: number; readonly named: string},
  {ranks, microBatch}: {readonly ranks: number; readonly microBatch: number},
): string[] {
  if (rows % ranks !== 0)
    return [`${ranks} ranks cannot share the ${rows} rows of an update (${named}) evenly; ${dividers(rows)} can`];
  const each = rows / ranks;
  return microBatch === 0 || each % microBatch === 0
    ? []
    : [`microBatch ${microBatch} does not divide the ${each} rows that a rank has of an update (${named})`];
}

/** So many that share a number evenly: '1, 2, 4 or 8', the smaller ones of them. */
export function dividers(count: number): string {
  const all = Array.from({length: Math.min(count, 64)}, (_, at) => at + 1).filter((each) => count % each === 0);
  return all.length === 1 ? `${all[0]}` : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}

/** Settings of TRL's trainers that the stages make themselves, and the param that each follows, if any. */
const OWN: Readonly<Record<string, string | undefined>> = {
  learning_rate: 'learningRate',
  weight_decay: 'weightDecay',
  adam_beta2: 'beta2',
  bf16: 'precision',
  fp16: 'precision',
  gradient_checkpointing: 'activationCheckpointing',
  activation_checkpointing: 'activationCheckpointing',
  per_device_train_batch_size: 'microBatch',
  gradient_accumulation_steps: 'microBatch',
  num_train_epochs: 'epochs',
  max_steps: 'steps',
  warmup_steps: 'warmup',
  num_generations: 'group',
  steps_per_generation: 'minibatches',
  max_completion_length: 'maxNewTokens',
  temperature: 'temperature',
  beta: 'klCoefficient',
  epsilon: 'clipLow',
  epsilon_high: 'clipHigh',
  loss_type: 'aggregate',
  importance_sampling_level: 'ratio',
  scale_rewards: 'divideByStd',
  mask_truncated_completions: 'maskTruncated',
  sync_ref_model: 'referenceEvery',
  ref_model_sync_steps: 'referenceEvery',
  seed: undefined,
  data_seed: undefined,
  output_dir: undefined,
  save_strategy: undefined,
  report_to: undefined,
};

/** What is wrong with further settings, as far as that can be told without TRL, each a sentence. */
export const configMistakes = (config: {readonly [name: string]: Json}): string[] =>
  Object.keys(config).flatMap((name) => {
    if (Object.hasOwn(OWN, name)) {
      const param = OWN[name];
      return [`config.${name} is set by the stage itself${param === undefined ? '' : `: it is the param ${param}`}`];
    }
    if (/^(?:fsdp|deepspeed$|parallelism_config$|accelerator_config$)/.test(name))
      return [`config.${name}: ranks hold whole copies of the model here, and sharding it has not been tried`];
    return /^(?:use_)?vllm/.test(name)
      ? [`config.${name}: completions are drawn by transformers; vLLM has not been tried`]
      : [];
  });
