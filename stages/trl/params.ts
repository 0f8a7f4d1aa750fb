/** Params that the stages of TRL's trainers share; light, for recipes that are only planned. */
import {described} from '../../pipeline/params.js';
import type {Json} from '../../pipeline/params.js';
import {COUNT, COUNT_OR_NONE} from '../common-params.js';
import {PRECISIONS} from '../train/compute.js';

/** How a training is spread and computed. */
export const TRAINING = {
  ranks: described(
    1,
    'Processes that train together, each on its part of a batch (torch.distributed.run). Their number changes the last bits.',
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
  if (rows % ranks !== 0) return [`${ranks} ranks cannot share the ${rows} rows of an update (${named}) evenly`];
  const each = rows / ranks;
  return microBatch === 0 || each % microBatch === 0
    ? []
    : [`microBatch ${microBatch} does not divide the ${each} rows that a rank has of an update (${named})`];
}
