/**
 * Llama 3 stretches long rotary wavelengths. A Hugging Face config says it with four numbers, GGUF with one factor for each
 * pair of a head (`rope_freqs.weight`), by which its angle is divided. Formula: `apply_scaling` of
 * https://github.com/meta-llama/llama-models, as factors: `LlamaModel.generate_extra_tensors` of llama.cpp's converter.
 */

export interface Llama3Numbers {
  readonly factor: number;
  readonly low: number;
  readonly high: number;
  /** Positions that the model was first trained with. */
  readonly positions: number;
}

/** One factor for each pair of a head, float32. */
export function ropeFactors(
  base: number,
  headDim: number,
  {factor, low, high, positions}: Llama3Numbers,
): Float32Array {
  return Float32Array.from({length: headDim / 2}, (_, pair) => {
    const wavelength = 2 * Math.PI * base ** ((2 * pair) / headDim);
    if (wavelength < positions / high) return 1;
    if (wavelength > positions / low) return factor;
    const smooth = (positions / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** What every published Llama 3 has; the file keeps only what comes of it. */
const LOW = 1;
const HIGH = 4;

/**
 * The numbers that these factors come of, as a config's `rope_scaling`, or no scaling where all are 1. Undefined where they
 * come of no numbers that are in use.
 *
 * @param positions the model was first trained with, as far as that is known
 */
export function llama3Factors(
  factors: Float32Array,
  {base, headDim, positions}: {readonly base: number; readonly headDim: number; readonly positions: number},
): {readonly scaling: Record<string, unknown> | undefined} | undefined {
  if (factors.length !== headDim / 2) return undefined;
  const factor = Math.max(...factors);
  if (factors.every((each) => each === 1)) return {scaling: undefined};
  const again = ropeFactors(base, headDim, {factor, low: LOW, high: HIGH, positions});
  if (factors.some((each, i) => Math.abs(each - again[i]!) > 1e-4 * each)) return undefined;
  return {
    scaling: {
      rope_type: 'llama3',
      factor,
      low_freq_factor: LOW,
      high_freq_factor: HIGH,
      original_max_position_embeddings: positions,
    },
  };
}
