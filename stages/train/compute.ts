import {described} from '../../pipeline/params.js';
import type {ModelConfig} from '../model/config.js';

/** What a training counts, for whoever reckons its operations from it: `evaluation/report/compute.ts`. */
export interface Compute {
  /** Numbers of the model; a tied output matrix counts once. */
  readonly parameters: number;
  /** Tokens of rows in optimizer steps, prompts included. */
  readonly trainedTokens: number;
  readonly generatedTokens: number;
  /** Tokens that went through a forward pass alone. */
  readonly scoredTokens: number;
}

/** Of products of tokens with weights. */
export const PRECISIONS = ['f32', 'bf16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Whether layers are computed again in the backward pass instead of being kept (arXiv 1604.06174); 'auto' by their size. */
export const CHECKPOINTING = ['auto', 'on', 'off'] as const;
export type Checkpointing = (typeof CHECKPOINTING)[number];

/** How a training computes, as params. */
export const COMPUTING = {
  precision: described('f32', 'Precision of products with weights; what is stored stays float32.', PRECISIONS),
  activationCheckpointing: described(
    'auto',
    'Whether layers are computed again in the backward pass instead of being kept; auto where they would take more than 4 GiB.',
    CHECKPOINTING,
  ),
};

/**
 * From this vocabulary on logits are computed where a token was sampled and not in the prompt. Below it they are a small part of the
 * work, and a model keeps the bytes that it had.
 */
const LARGE_VOCABULARY = 4096;

/** Whether only the positions that predict a sampled token get logits. */
export const countsTargets = ({vocabSize}: ModelConfig): boolean => vocabSize >= LARGE_VOCABULARY;
