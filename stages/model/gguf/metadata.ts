/** The keys of a GGUF file, read by type: what is missing or of another type is refused by the key's name. */
import {StageFailure} from '../../../pipeline/stage.js';

export class Metadata {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #called: string;

  /** @param called what messages call the file */
  constructor(values: Readonly<Record<string, unknown>>, called: string) {
    this.#values = values;
    this.#called = called;
  }

  keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key);
  }

  /** Ends the reading with a sentence about the file. */
  refuse(problem: string): never {
    throw new StageFailure(`${this.#called}: ${problem}`);
  }

  text(key: string): string;
  text<T>(key: string, otherwise: T): string | T;
  text(key: string, ...otherwise: readonly unknown[]): unknown {
    return this.#read(key, 'a text', (value) => typeof value === 'string', otherwise);
  }

  flag(key: string, otherwise: boolean): boolean {
    return this.#read(key, 'true or false', (value) => typeof value === 'boolean', [otherwise]) as boolean;
  }

  /** A whole number from 0 on. Where it is given for each layer, as a list, all must be equal. */
  integer(key: string): number;
  integer<T>(key: string, otherwise: T): number | T;
  integer(key: string, ...otherwise: readonly unknown[]): unknown {
    const value = this.#read(key, 'a whole number', isWhole, otherwise);
    if (!Array.isArray(value)) return typeof value === 'bigint' ? Number(value) : value;
    const numbers = (value as unknown[]).map(Number);
    if (numbers.length === 0 || numbers.some((number) => number !== numbers[0]))
      this.refuse(`${key} differs from layer to layer, which is not implemented`);
    return numbers[0];
  }

  /** A float32, as the shortest decimal that stands for it: 1e-5, where the file has 0.00000999999974…. */
  number(key: string): number;
  number<T>(key: string, otherwise: T): number | T;
  number(key: string, ...otherwise: readonly unknown[]): unknown {
    const value = this.#read(key, 'a number', (each) => typeof each === 'number', otherwise);
    return typeof value === 'number' ? shortest(value) : value;
  }

  texts(key: string): readonly string[] {
    const all = (value: unknown): boolean => Array.isArray(value) && value.every((text) => typeof text === 'string');
    return this.#read(key, 'a list of texts', all, []) as readonly string[];
  }

  integers(key: string): readonly number[] {
    return (this.#read(key, 'a list of whole numbers', isWhole, []) as readonly unknown[]).map(Number);
  }

  #read(key: string, kind: string, is: (value: unknown) => boolean, otherwise: readonly unknown[]): unknown {
    const value = this.#values[key];
    if (value === undefined) return otherwise.length > 0 ? otherwise[0] : this.refuse(`the key ${key} is missing`);
    return is(value) ? value : this.refuse(`${key} should be ${kind}`);
  }
}

const isWhole = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.every(isWhole)
    : Number.isSafeInteger(Number(value)) && Number(value) >= 0 && typeof value !== 'string';

function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
