/**
 * Randomness as a function of its key: the draws of (seed, purpose, keys…) are the same in every process, in any
 * order, on any number of workers. Nothing here has hidden global state, and nothing here is cryptographic.
 *
 * The generator is Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), keyed by
 * the SHA-256 of the key's text.
 */
import {createHash} from 'node:crypto';

/** A sequence of draws. Two sequences with the same key give the same values. */
export interface Random {
  /** The next number in [0, 1), 53 bits. */
  uniform(): number;
  /** The next whole number in [0, below). */
  int(below: number): number;
  /** The next draw from the standard normal distribution. */
  normal(): number;
  /** One of the items, each with the same chance. */
  pick<T>(items: readonly T[]): T;
  /** A copy of the items in random order (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/** The draws that belong to (seed, purpose, keys…), from the first. */
export function random(seed: number, purpose: string, ...keys: readonly number[]): Random {
  const block = new Block(seed, purpose, keys);
  let counter = 0;
  let used = 4; // words of the current block that are spent

  const word = (): number => {
    if (used === 4) {
      block.compute(counter++, 0, 0);
      used = 0;
    }
    return block.words[used++]!;
  };
  const uniform = (): number => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992;
  const int = (below: number): number => {
    if (!Number.isSafeInteger(below) || below < 1) throw new RangeError(`cannot draw below ${below}`);
    return Math.floor(uniform() * below);
  };

  return {
    uniform,
    int,
    // Box–Muller; 1 − u keeps the logarithm's argument above zero.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError('cannot pick from nothing');
      return items[int(items.length)]!;
    },
    shuffle<T>(items: readonly T[]): T[] {
      const copy = [...items];
      for (let last = copy.length - 1; last > 0; last--) {
        const other = int(last + 1);
        [copy[last], copy[other]] = [copy[other]!, copy[last]!];
      }
      return copy;
    },
  };
}

/**
 * The uniforms that pick the tokens of a batch of samples: row r, column t depends on (seed, purpose, step), on
 * samples[r] and on t alone, so a sample's draws do not change with the batch or the worker that it lands in.
 * 24 bits each, so that float32 holds them exactly and none rounds up to 1. (samples, length), row by row.
 */
export function samplingUniforms(
  key: {readonly seed: number; readonly purpose: string; readonly step?: number},
  samples: readonly number[],
  length: number,
): Float32Array {
  const block = new Block(key.seed, key.purpose, [key.step ?? 0]);
  const uniforms = new Float32Array(samples.length * length);
  samples.forEach((sample, row) => {
    if (!Number.isSafeInteger(sample) || sample < 0) throw new RangeError(`a sample number cannot be ${sample}`);
    for (let position = 0; position < length; position++) {
      if (position % 4 === 0) block.compute(position / 4, sample % 4294967296, Math.floor(sample / 4294967296));
      uniforms[row * length + position] = (block.words[position % 4]! >>> 8) / 16777216;
    }
  });
  return uniforms;
}

/** A key's view of Philox: a three-word counter in, four 32-bit words out. The counter's fourth word belongs to the key. */
class Block {
  readonly words = new Uint32Array(4);
  readonly #key: readonly [number, number];
  readonly #domain: number;

  constructor(seed: number, purpose: string, keys: readonly number[]) {
    for (const part of [seed, ...keys]) {
      if (!Number.isSafeInteger(part)) throw new RangeError(`a random key must be a whole number, not ${part}`);
    }
    const digest = createHash('sha256')
      .update(JSON.stringify([purpose, seed, ...keys]))
      .digest();
    this.#key = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
    this.#domain = digest.readUInt32LE(8);
  }

  compute(low: number, middle: number, high: number): void {
    philox([low, middle, high, this.#domain], this.#key, this.words);
  }
}

/** Philox 4×32-10: ten rounds over a counter of four words under a key of two, written into `words`. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  words: Uint32Array,
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit numbers, by 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle % 65536) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}
