/**
 * The parameters of a model by their Hugging Face names: shapes, fresh values, counts. Matrices are [out, in] as the
 * checkpoints hold them. How the engine packs them is `packing.ts`.
 */
import {random} from '../random.js';
import type {ModelConfig} from './config.js';
import {withScoreHead} from './config.js';

/** Values by Hugging Face name, row-major; shapes are those of `parameterShapes`. */
export type Weights = ReadonlyMap<string, Float32Array>;

/**
 * Weights that are handed on: each tensor is forgotten once it was read, so that it is not kept beside the copy that is made of it.
 * @param weights is empty afterwards
 */
export function handOver(weights: Map<string, Float32Array>): Weights {
  const handed = new HandedOver(weights);
  weights.clear();
  return handed;
}

class HandedOver extends Map<string, Float32Array> {
  override get(name: string): Float32Array | undefined {
    const values = super.get(name);
    this.delete(name);
    return values;
  }
}

/** Hugging Face name → shape of every tensor of the model, in the order of the forward pass. */
export const parameterShapes = (config: ModelConfig): Map<string, readonly number[]> => new Map(eachParameter(config));

/** The same one after the other: a config may ask for more layers than could ever be listed. */
export function* eachParameter(config: ModelConfig): Generator<readonly [string, readonly number[]]> {
  const {hiddenSize: d, intermediateSize: f, headDim, vocabSize} = config;
  const q = config.heads * headDim;
  const kv = config.keyValueHeads * headDim;
  yield ['model.embed_tokens.weight', [vocabSize, d]];
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}.`;
    yield [`${at}input_layernorm.weight`, [d]];
    for (const [name, size] of [
      ['q', q],
      ['k', kv],
      ['v', kv],
    ] as const) {
      yield [`${at}self_attn.${name}_proj.weight`, [size, d]];
      if (config.attentionBias.qkv) yield [`${at}self_attn.${name}_proj.bias`, [size]];
    }
    if (config.headNorms) {
      yield [`${at}self_attn.q_norm.weight`, [headDim]];
      yield [`${at}self_attn.k_norm.weight`, [headDim]];
    }
    yield [`${at}self_attn.o_proj.weight`, [d, q]];
    if (config.attentionBias.output) yield [`${at}self_attn.o_proj.bias`, [d]];
    yield [`${at}post_attention_layernorm.weight`, [d]];
    for (const [name, shape] of [
      ['gate', [f, d]],
      ['up', [f, d]],
      ['down', [d, f]],
    ] as const) {
      yield [`${at}mlp.${name}_proj.weight`, shape];
      if (config.mlpBias) yield [`${at}mlp.${name}_proj.bias`, [shape[0]]];
    }
  }
  yield ['model.norm.weight', [d]];
  if (config.head === 'score') yield ['score.weight', [1, d]];
  else if (!config.tied) yield ['lm_head.weight', [vocabSize, d]];
}

/**
 * Fresh weights: matrices from N(0, initializerRange²), gains 1, biases 0. The two matrices that write into the
 * residual stream are scaled by 1/√(2 × layers), as GPT-2 did (https://github.com/openai/gpt-2; Radford et al. 2019,
 * §2.3), so that its variance does not grow with depth.
 *
 * @param draw other draws of a seed are other weights
 */
export function initialWeights(config: ModelConfig, seed: number, draw = 0): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  let index = 0;
  for (const [name, shape] of parameterShapes(config)) {
    const values = new Float32Array(size(shape));
    const residual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
    const spread = config.initializerRange / (residual ? Math.sqrt(2 * config.layers) : 1);
    if (name.endsWith('norm.weight')) {
      values.fill(1);
    } else if (!name.endsWith('.bias')) {
      const source = random(seed, draw === 0 ? 'initial weights' : `initial weights/${draw}`, index);
      for (let i = 0; i < values.length; i++) values[i] = spread * source.normal();
    }
    weights.set(name, values);
    index++;
  }
  return weights;
}

/**
 * A reward model that starts from a language model: the same body, a fresh scalar head from N(0, initializerRange²), no
 * output matrix.
 *
 * @throws {Error} where the language model lacks a tensor
 */
export function scoreWeights(
  from: {readonly config: ModelConfig; readonly weights: Weights},
  seed: number,
): {config: ModelConfig; weights: Map<string, Float32Array>} {
  const config = withScoreHead(from.config);
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of parameterShapes(config)) {
    const values = from.weights.get(name);
    if (values !== undefined) {
      weights.set(name, values);
    } else if (name === 'score.weight') {
      const source = random(seed, 'score head');
      weights.set(
        name,
        Float32Array.from({length: size(shape)}, () => config.initializerRange * source.normal()),
      );
    } else {
      throw new Error(`Internal error: the language model has no ${name}`);
    }
  }
  return {config, weights};
}

/** How many numbers the model has; a tied output matrix counts once. */
export function countParameters(config: ModelConfig): number {
  let total = 0;
  for (const shape of parameterShapes(config).values()) total += size(shape);
  return total;
}

/** How many numbers a tensor of this shape has; 1 for a scalar. */
export const size = (shape: readonly number[]): number => shape.reduce((product, dimension) => product * dimension, 1);
