/**
 * Rotary positions as a config describes them: which fields say so, and the frequencies that follow. The kinds that are
 * computed are transformers' `default`, `linear`, `llama3` and `yarn`; any other is refused by its name, and so are two
 * descriptions that disagree.
 */
import {z} from 'zod';

/** How positions are stretched beyond those that a model was first trained with. */
export type RopeScaling =
  /** All frequencies divided by one factor (position interpolation, arXiv 2306.15595). */
  {readonly kind: 'linear'; readonly factor: number} | Llama3Scaling | YarnScaling;

/** Llama 3's; https://github.com/meta-llama/llama-models, `apply_scaling`. */
export interface Llama3Scaling {
  readonly kind: 'llama3';
  /** By how much low frequencies are divided. */
  readonly factor: number;
  /** Wavelengths above originalPositions / this are stretched by the whole factor … */
  readonly lowFrequencyFactor: number;
  /** … and those below originalPositions / this not at all. */
  readonly highFrequencyFactor: number;
  /** Positions that the model was first trained with. */
  readonly originalPositions: number;
}

/** YaRN, arXiv 2309.00071, with the options of transformers' `modeling_rope_utils.py`. */
export interface YarnScaling {
  readonly kind: 'yarn';
  readonly factor: number;
  readonly originalPositions: number;
  /** Pairs that turn at least so often within the original positions are not stretched … */
  readonly betaFast: number;
  /** … and those that turn at most so often by the whole factor. */
  readonly betaSlow: number;
  /** Whether the pairs between which the stretching grows are whole numbers. */
  readonly truncate: boolean;
  /** What cos and sin are multiplied with, so that scores are by its square. */
  readonly attentionFactor: number;
}

/** What a config says about rotary positions. */
export interface Rope {
  /** Base of the frequencies. */
  readonly theta: number;
  readonly scaling?: RopeScaling;
}

const DEFAULT_THETA = 10000;
const YARN_BETAS = {fast: 32, slow: 1};

const positive = z.number().positive();
const positions = z.int().min(1).nullish();

/** The object behind `rope_scaling` or `rope_parameters`. What is none of these fields is refused by name. */
export const ropeFields = z.looseObject({
  rope_theta: positive.nullish(),
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  factor: positive.nullish(),
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  original_max_position_embeddings: positions,
  attention_factor: positive.nullish(),
  beta_fast: z.number().min(0).nullish(),
  beta_slow: z.number().min(0).nullish(),
  mscale: z.number().min(0).nullish(),
  mscale_all_dim: z.number().min(0).nullish(),
  truncate: z.boolean().nullish(),
  partial_rotary_factor: z.literal(1).nullish(),
});

type RopeFields = z.infer<typeof ropeFields>;

/** The fields of a config that this file reads. */
export interface RopeConfig {
  readonly rope_theta?: number | null | undefined;
  readonly rope_scaling?: RopeFields | null | undefined;
  readonly rope_parameters?: RopeFields | null | undefined;
  readonly original_max_position_embeddings?: number | null | undefined;
}

/** Fields that each kind has besides `rope_theta`; `finetuned` says how a YaRN was trained. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  default: [],
  linear: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'],
  yarn: [
    'factor',
    'original_max_position_embeddings',
    'attention_factor',
    'beta_fast',
    'beta_slow',
    'mscale',
    'mscale_all_dim',
    'truncate',
    'finetuned',
  ],
};
const NAMES = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor'];

/**
 * Reads what a config says about rotary positions: `rope_theta` and `rope_scaling` as transformers wrote them before
 * version 5, `rope_parameters` as it does since, in which the kind is called `type` or `rope_type`.
 *
 * @param maxPositions of the config, which stand for the original ones where those are not given
 * @param refuse is called with the field and what is wrong
 */
export function readRope(config: RopeConfig, maxPositions: number, refuse: (problem: string) => never): Rope {
  const described = (['rope_parameters', 'rope_scaling'] as const).flatMap((name) => {
    const fields = config[name];
    return fields && Object.keys(fields).length > 0 ? [{name, fields}] : [];
  });
  const thetas = [
    ...(config.rope_theta ? [{name: 'rope_theta', theta: config.rope_theta}] : []),
    ...described.flatMap(({name, fields}) =>
      fields.rope_theta ? [{name: `${name}.rope_theta`, theta: fields.rope_theta}] : [],
    ),
  ];
  const other = thetas.find(({theta}) => theta !== thetas[0]!.theta);
  if (other !== undefined) {
    refuse(
      `${other.name}: ${other.theta} is not the ${thetas[0]!.theta} of ${thetas[0]!.name}; keep the one that is meant`,
    );
  }
  const theta = thetas[0]?.theta ?? DEFAULT_THETA;
  const original = config.original_max_position_embeddings ?? undefined;
  const scalings = described.map(({name, fields}) =>
    readScaling(name, fields, {theta, original, maxPositions}, refuse),
  );
  if (scalings.length === 2 && JSON.stringify(scalings[0]) !== JSON.stringify(scalings[1])) {
    refuse('rope_parameters and rope_scaling: they describe different positions; keep the one that is meant');
  }
  const [scaling] = scalings;
  return {theta, ...(scaling && {scaling})};
}

function readScaling(
  name: string,
  fields: RopeFields,
  config: {readonly theta: number; readonly original: number | undefined; readonly maxPositions: number},
  refuse: (problem: string) => never,
): RopeScaling | undefined {
  if (fields.type && fields.rope_type && fields.type !== fields.rope_type)
    refuse(`${name}: type is “${fields.type}” and rope_type “${fields.rope_type}”; keep the one that is meant`);
  const kind = fields.rope_type ?? fields.type ?? 'default';
  const known = Object.hasOwn(FIELDS, kind) ? FIELDS[kind] : undefined;
  if (known === undefined)
    return refuse(`${name}: “${kind}” is not implemented (${Object.keys(FIELDS).join(', ')} are)`);
  const stray = Object.keys(fields).find(
    (field) => !known.includes(field) && !NAMES.includes(field) && !isNothing(fields[field]),
  );
  if (stray !== undefined) refuse(`${name}.${stray}: positions of the kind “${kind}” have no such field`);
  if (kind === 'default') return undefined;

  const need = (field: 'factor' | 'low_freq_factor' | 'high_freq_factor'): number =>
    fields[field] ?? refuse(`${name}: ${kind} needs ${field}`);
  if (kind === 'linear') return {kind, factor: need('factor')};

  const own = fields.original_max_position_embeddings ?? undefined;
  if (own !== undefined && config.original !== undefined && own !== config.original) {
    refuse(
      `original_max_position_embeddings: ${config.original} is not the ${own} of ${name}; keep the one that is meant`,
    );
  }
  const originalPositions = config.original ?? own ?? config.maxPositions;
  if (kind === 'llama3') {
    const [low, high] = [need('low_freq_factor'), need('high_freq_factor')];
    if (low >= high) refuse(`${name}: low_freq_factor ${low} is not below high_freq_factor ${high}`);
    return {
      kind,
      factor: need('factor'),
      lowFrequencyFactor: low,
      highFrequencyFactor: high,
      originalPositions,
    };
  }

  // A factor of null is the ratio; one that is left out is a mistake to transformers, too.
  const factor = fields.factor === null ? config.maxPositions / originalPositions : need('factor');
  // Zero stands for the default here, as it does in transformers.
  const [betaFast, betaSlow] = [fields.beta_fast || YARN_BETAS.fast, fields.beta_slow || YARN_BETAS.slow];
  if (betaFast <= betaSlow) refuse(`${name}: beta_fast ${betaFast} is not above beta_slow ${betaSlow}`);
  if (config.theta <= 1) refuse(`rope_theta: ${config.theta} is not above 1, as yarn needs it`);
  const {mscale, mscale_all_dim: mscaleAll} = fields;
  const attentionFactor =
    fields.attention_factor ??
    (mscale && mscaleAll ? yarnScale(factor, mscale) / yarnScale(factor, mscaleAll) : yarnScale(factor, 1));
  return {
    kind: 'yarn',
    factor,
    originalPositions,
    betaFast,
    betaSlow,
    truncate: fields.truncate ?? true,
    attentionFactor,
  };
}

const isNothing = (value: unknown): boolean => value === null || value === undefined || value === false;

/** YaRN's √(1/t) for a factor, equation 22, weighted. */
const yarnScale = (factor: number, weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);

/** What cos and sin are multiplied with. */
export const ropeMagnitude = (scaling: RopeScaling | undefined): number =>
  scaling?.kind === 'yarn' ? scaling.attentionFactor : 1;

/**
 * From so many positions on, frequencies are rounded as transformers rounds them: an error in the last bit of a frequency
 * turns a pair by position × 2⁻²⁴ too far, which shows in logits at thousands of positions. Short models, whose bytes are
 * older than this rule, keep the more exact ones.
 */
const LONG = 2048;

/**
 * θ^(−2i/headDim) for each pair i (RoPE, arXiv 2104.09864, equation 15), stretched as the config asks for it.
 *
 * @returns (headDim / 2), radians per position
 */
export function rotaryFrequencies(rope: Rope, headDim: number, maxPositions: number): Float32Array {
  const {theta, scaling} = rope;
  const pairs = Array.from({length: headDim / 2}, (_, pair) => pair);
  if (scaling === undefined && maxPositions < LONG)
    return Float32Array.from(pairs, (pair) => 1 / theta ** ((2 * pair) / headDim));
  const periods = Float32Array.from(pairs, (pair) => theta ** f32((2 * pair) / headDim));
  const plain = periods.map((period) => 1 / period);
  switch (scaling?.kind) {
    case undefined:
      return plain;
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'llama3':
      return plain.map((frequency) => llama3Frequency(frequency, scaling));
    case 'yarn':
      return yarnFrequencies(periods, theta, scaling);
  }
}

/** Each step of the stretched kinds is rounded to float32, as it is by transformers. */
const f32 = Math.fround;

function llama3Frequency(
  frequency: number,
  {factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions}: Llama3Scaling,
): number {
  const wavelength = f32(f32(2 * Math.PI) / frequency);
  if (wavelength < originalPositions / high) return frequency;
  if (wavelength > originalPositions / low) return frequency / factor;
  const smooth = f32(f32(f32(originalPositions / wavelength) - low) / (high - low));
  return f32(f32(f32(1 - smooth) * frequency) / factor) + f32(smooth * frequency);
}

/** Frequencies between those that are kept and those that are divided change in a ramp, by the index of the pair. */
function yarnFrequencies(
  periods: Float32Array,
  theta: number,
  {factor, originalPositions, betaFast, betaSlow, truncate}: YarnScaling,
): Float32Array {
  const dims = 2 * periods.length;
  const pairThatTurns = (times: number): number =>
    (dims * Math.log(originalPositions / (times * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, last] = [pairThatTurns(betaFast), pairThatTurns(betaSlow)];
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(last) : last, dims - 1);
  const width = high === low ? 0.001 : high - low; // as transformers has it
  return periods.map((period, pair) => {
    const stretched = Math.min(1, Math.max(0, f32(f32(pair - f32(low)) / f32(width))));
    const kept = f32(1 - stretched);
    return f32(f32(1 / f32(factor * period)) * f32(1 - kept)) + f32(f32(1 / period) * kept);
  });
}
