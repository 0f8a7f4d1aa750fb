/**
 * The transformer once more, in float64 and plain loops, from the papers: RMSNorm (arXiv 1910.07467), rotary positions
 * (2104.09864, half-split as Hugging Face has it), grouped-query attention (2305.13245), SwiGLU (2002.05202). Slow, and
 * written without looking at the fast one; tests compare the two.
 */
import type {ModelConfig} from '../../../stages/model/config.js';
import type {Weights} from '../../../stages/model/parameters.js';

type Vector = number[];

/** Logits of one row. (T, V) */
export function referenceLogits(
  config: ModelConfig,
  weights: ReadonlyMap<string, ArrayLike<number>>,
  tokens: readonly number[],
): Vector[] {
  const output = weights.get(config.tied ? 'model.embed_tokens.weight' : 'lm_head.weight')!;
  return referenceHidden(config, weights, tokens).map((hidden) => times(output, hidden));
}

/** The normalised hidden state of each token of one row. (T, D) */
export function referenceHidden(
  config: ModelConfig,
  weights: ReadonlyMap<string, ArrayLike<number>>,
  tokens: readonly number[],
): Vector[] {
  const {hiddenSize: d, heads, keyValueHeads, headDim, rmsNormEps} = config;
  const weight = (name: string): ArrayLike<number> => weights.get(name)!;
  const embedding = weight('model.embed_tokens.weight');
  let states = tokens.map((token) => Array.from({length: d}, (_, i) => embedding[token * d + i]!));
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}.`;
    const project = (name: string, x: Vector): Vector => {
      const bias = weights.get(`${at}${name}.bias`);
      return times(weight(`${at}${name}.weight`), x).map((value, i) => value + (bias?.[i] ?? 0));
    };
    const normed = states.map((state) => rmsNorm(state, weight(`${at}input_layernorm.weight`), rmsNormEps));
    const split = (x: Vector): Vector[] =>
      Array.from({length: x.length / headDim}, (_, head) => x.slice(head * headDim, (head + 1) * headDim));
    // Qwen3 normalizes each head before it is rotated.
    const turned = (name: 'q' | 'k', x: Vector, position: number): Vector[] =>
      split(project(`self_attn.${name}_proj`, x)).map((head) => {
        const gain = weights.get(`${at}self_attn.${name}_norm.weight`);
        return rotate(gain === undefined ? head : rmsNorm(head, gain, rmsNormEps), position, config);
      });
    const queries = normed.map((x, position) => turned('q', x, position));
    const keys = normed.map((x, position) => turned('k', x, position));
    const values = normed.map((x) => split(project('self_attn.v_proj', x)));
    states = states.map((state, position) => {
      const context = Array.from({length: heads}, (_, head) => {
        const shared = Math.floor(head / (heads / keyValueHeads));
        const scores = keys
          .slice(0, position + 1)
          .map((key) => dot(queries[position]![head]!, key[shared]!) / Math.sqrt(headDim));
        const largest = Math.max(...scores);
        const masses = scores.map((score) => Math.exp(score - largest));
        const total = masses.reduce((sum, mass) => sum + mass, 0);
        return Array.from({length: headDim}, (_, i) =>
          masses.reduce((sum, mass, seen) => sum + (mass / total) * values[seen]![shared]![i]!, 0),
        );
      }).flat();
      return add(state, project('self_attn.o_proj', context));
    });
    states = states.map((state) => {
      const x = rmsNorm(state, weight(`${at}post_attention_layernorm.weight`), rmsNormEps);
      const up = project('mlp.up_proj', x);
      const inner = project('mlp.gate_proj', x).map((gate, i) => (gate / (1 + Math.exp(-gate))) * up[i]!);
      return add(state, project('mlp.down_proj', inner));
    });
  }
  return states.map((state) => rmsNorm(state, weight('model.norm.weight'), rmsNormEps));
}

/** Mean −log p over the targets of all rows, logits divided by the temperature. */
export function referenceLoss(
  config: ModelConfig,
  weights: ReadonlyMap<string, ArrayLike<number>>,
  rows: readonly {readonly tokens: readonly number[]; readonly mask: readonly number[]}[],
): number {
  let sum = 0;
  let targets = 0;
  for (const {tokens, mask} of rows) {
    const logits = referenceLogits(config, weights, tokens);
    for (let i = 1; i < tokens.length; i++) {
      if (!mask[i]) continue;
      sum -= logSoftmax(logits[i - 1]!)[tokens[i]!]!;
      targets++;
    }
  }
  return sum / targets;
}

export function logSoftmax(logits: readonly number[]): Vector {
  const largest = Math.max(...logits);
  const log = largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
  return logits.map((logit) => logit - log);
}

/** The weights as float64, to be nudged. */
export const toFloat64 = (weights: Weights): Map<string, Float64Array> =>
  new Map([...weights].map(([name, values]) => [name, Float64Array.from(values)]));

const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const add = (a: Vector, b: Vector): Vector => a.map((value, i) => value + b[i]!);

function times(matrix: ArrayLike<number>, x: Vector): Vector {
  return Array.from({length: matrix.length / x.length}, (_, row) =>
    x.reduce((sum, value, i) => sum + matrix[row * x.length + i]! * value, 0),
  );
}

function rmsNorm(x: Vector, gain: ArrayLike<number>, epsilon: number): Vector {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, i) => value * scale * gain[i]!);
}

function rotate(x: Vector, position: number, {rope: {theta, scaling}, headDim}: ModelConfig): Vector {
  const half = headDim / 2;
  return x.map((value, i) => {
    let frequency = theta ** (-(2 * (i % half)) / headDim);
    if (scaling?.kind === 'linear') frequency /= scaling.factor;
    if (scaling?.kind === 'llama3') {
      const {factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions} = scaling;
      const turns = (originalPositions * frequency) / (2 * Math.PI); // in the original context
      const blend = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      frequency = blend * frequency + (1 - blend) * (frequency / factor);
    }
    if (scaling?.kind === 'yarn') {
      const {factor, originalPositions, betaFast, betaSlow, truncate} = scaling;
      // The pair that turns so often in the original context: originalPositions θ^(−2 pair / headDim) = 2π times
      const pairOf = (times: number): number =>
        ((headDim / 2) * Math.log(originalPositions / (2 * Math.PI * times))) / Math.log(theta);
      const low = Math.max(0, truncate ? Math.floor(pairOf(betaFast)) : pairOf(betaFast));
      const high = Math.min(headDim - 1, truncate ? Math.ceil(pairOf(betaSlow)) : pairOf(betaSlow));
      const blend = Math.min(1, Math.max(0, ((i % half) - low) / (high - low)));
      frequency = (1 - blend) * frequency + blend * (frequency / factor);
    }
    const magnitude = scaling?.kind === 'yarn' ? scaling.attentionFactor : 1;
    const angle = position * frequency;
    const other = i < half ? -x[i + half]! : x[i - half]!;
    return magnitude * (value * Math.cos(angle) + other * Math.sin(angle));
  });
}
