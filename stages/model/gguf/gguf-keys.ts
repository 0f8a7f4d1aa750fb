/** A config as the keys of a GGUF file: the counterpart of `hf-config.ts`. What has no key is refused by its field. */
import {StageFailure} from '../../../pipeline/stage.js';
import type {ModelConfig} from '../config.js';
import type {YarnScaling} from '../rope.js';
import type {Llama3Numbers} from './rope-factors.js';
import {float32, text, uint32} from './write-metadata.js';
import type {Value} from './write-metadata.js';

/** Family of transformers → architecture of GGUF. */
const ARCHITECTURES: Readonly<Record<ModelConfig['family'], string>> = {
  llama: 'llama',
  mistral: 'llama',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
};

export interface ConfigKeys {
  readonly architecture: string;
  readonly keys: readonly (readonly [string, Value])[];
  /** Numbers of Llama 3's scaling, which GGUF keeps as a tensor. */
  readonly llama3: Llama3Numbers | undefined;
}

/** @throws {StageFailure} naming the field that a GGUF file cannot say */
export function ggufKeys(config: ModelConfig, where: string): ConfigKeys {
  if (config.head !== 'language')
    throw new StageFailure(
      `${where} is a reward model: llama.cpp has no score head for it, so it cannot be a GGUF file`,
    );
  const architecture = ARCHITECTURES[config.family];
  const {keys, llama3} = ropeKeys(config, where);
  const own: readonly (readonly [string, Value])[] = [
    ['block_count', uint32(config.layers)],
    ['context_length', uint32(config.maxPositions)],
    ['embedding_length', uint32(config.hiddenSize)],
    ['feed_forward_length', uint32(config.intermediateSize)],
    ['attention.head_count', uint32(config.heads)],
    ['attention.head_count_kv', uint32(config.keyValueHeads)],
    ['attention.key_length', uint32(config.headDim)],
    ['attention.value_length', uint32(config.headDim)],
    ['attention.layer_norm_rms_epsilon', float32(config.rmsNormEps)],
    ['vocab_size', uint32(config.vocabSize)],
    ['rope.dimension_count', uint32(config.headDim)],
    ['rope.freq_base', float32(config.rope.theta)],
    ...keys,
  ];
  return {architecture, keys: own.map(([key, value]) => [`${architecture}.${key}`, value] as const), llama3};
}

function ropeKeys(
  {rope: {scaling}}: ModelConfig,
  where: string,
): {readonly keys: readonly (readonly [string, Value])[]; readonly llama3: Llama3Numbers | undefined} {
  switch (scaling?.kind) {
    case undefined:
      return {keys: [], llama3: undefined};
    case 'linear':
      return {
        keys: [
          ['rope.scaling.type', text('linear')],
          ['rope.scaling.factor', float32(scaling.factor)],
        ],
        llama3: undefined,
      };
    case 'yarn':
      refuseOddYarn(scaling, where);
      return {
        keys: [
          ['rope.scaling.type', text('yarn')],
          ['rope.scaling.factor', float32(scaling.factor)],
          ['rope.scaling.original_context_length', uint32(scaling.originalPositions)],
        ],
        llama3: undefined,
      };
    case 'llama3': {
      const {factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions: positions} = scaling;
      return {
        keys: [['rope.scaling.original_context_length', uint32(positions)]],
        llama3: {factor, low, high, positions},
      };
    }
  }
}

/** What llama.cpp computes where a file says no more than factor and positions: the paper's numbers (arXiv 2309.00071). */
function refuseOddYarn({factor, betaFast, betaSlow, truncate, attentionFactor}: YarnScaling, where: string): void {
  const usual = 0.1 * Math.log(factor) + 1;
  const odd = [
    betaFast === 32 ? [] : [`beta_fast ${betaFast}`],
    betaSlow === 1 ? [] : [`beta_slow ${betaSlow}`],
    truncate ? [] : ['truncate false'],
    Math.abs(attentionFactor - usual) < 1e-6 ? [] : [`an attention factor of ${attentionFactor}`],
  ].flat();
  if (odd.length > 0)
    throw new StageFailure(`${where}: YaRN with ${odd.join(', ')}, for which GGUF has no key that is known here`);
}
