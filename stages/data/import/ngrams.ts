/**
 * Overlap by runs of words, as for GPT-3 (arXiv 2005.14165, appendix C: collisions of 13 words, no fewer than 8). Characters of
 * scripts that set no spaces count as words of their own, and 20 of them (no fewer than 12) are a run. A text that is shorter than
 * a run is looked for as a whole; one with fewer words than the least says too little and is not looked for.
 */

const FULL = {words: 13, characters: 20};
const LEAST = {words: 8, characters: 12};

const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;
const UNIT = new RegExp(String.raw`[${UNSPACED}]\p{M}*|(?:(?![${UNSPACED}])[\p{L}\p{M}\p{N}])+`, 'gu');
const CHARACTER = new RegExp(`^[${UNSPACED}]`, 'u');
const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const ASCII = /^[\0-\x7f]*$/;

interface Units {
  /** Two independent hashes of each word. */
  readonly one: Int32Array;
  readonly other: Int32Array;
  readonly unspaced: boolean;
}

function unitsOf(text: string): Units {
  const found = ASCII.test(text)
    ? (text.toLowerCase().match(/[a-z0-9]+/g) ?? [])
    : (text.normalize('NFKC').replaceAll(UNSEEN, '').toLowerCase().match(UNIT) ?? []);
  const one = new Int32Array(found.length);
  const other = new Int32Array(found.length);
  let characters = 0;
  for (const [place, unit] of found.entries()) {
    // FNV-1a, from two starts.
    let [a, b] = [0x811c9dc5, 0x2f6b1ce7];
    for (let at = 0; at < unit.length; at++) {
      const code = unit.charCodeAt(at);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x01000193) ^ (b >>> 15);
    }
    one[place] = a;
    other[place] = b;
    if (CHARACTER.test(unit)) characters += 1;
  }
  return {one, other, unspaced: 2 * characters > found.length};
}

/** Runs of the texts that are protected, and whether another text has one of them. */
export class Runs {
  /** By length of a run. */
  readonly #sets = new Map<number, NumberSet>();

  add(text: string): void {
    const units = unitsOf(text);
    const kind = units.unspaced ? 'characters' : 'words';
    const length = Math.min(units.one.length, FULL[kind]);
    if (length < LEAST[kind]) return;
    const set = this.#sets.get(length) ?? new NumberSet();
    this.#sets.set(length, set);
    eachRun(units, length, (run) => {
      set.add(run);
      return false;
    });
  }

  overlaps(text: string): boolean {
    if (this.#sets.size === 0) return false;
    const units = unitsOf(text);
    for (const [length, set] of this.#sets) if (eachRun(units, length, (run) => set.has(run))) return true;
    return false;
  }
}

const P = 0x01000193;
const Q = 0x5bd1e995;

/** The hash of each run of `length` words, rolled from one to the next; until `look` is content. */
function eachRun({one, other}: Units, length: number, look: (run: number) => boolean): boolean {
  let [pOut, qOut] = [1, 1];
  for (let n = 0; n < length; n++) [pOut, qOut] = [Math.imul(pOut, P), Math.imul(qOut, Q)];
  let [a, b] = [0, 0];
  for (let at = 0; at < one.length; at++) {
    a = Math.imul(a, P) + one[at]!;
    b = Math.imul(b, Q) + other[at]!;
    if (at >= length) {
      a -= Math.imul(one[at - length]!, pOut);
      b -= Math.imul(other[at - length]!, qOut);
    }
    a |= 0;
    b |= 0;
    // 52 bits; 0 means an empty slot.
    if (at >= length - 1 && look((a >>> 0) * 2 ** 20 + (b >>> 12) || 1)) return true;
  }
  return false;
}

/** A set of whole numbers below 2^53, at 11 to 23 bytes each where JavaScript's takes 40. */
class NumberSet {
  #slots = new Float64Array(1 << 10);
  #size = 0;

  add(number: number): void {
    if (this.has(number)) return;
    if (4 * ++this.#size > 3 * this.#slots.length) {
      const old = this.#slots;
      this.#slots = new Float64Array(2 * old.length);
      for (const kept of old) if (kept !== 0) this.#slots[this.#slot(kept)] = kept;
    }
    this.#slots[this.#slot(number)] = number;
  }

  has(number: number): boolean {
    return this.#slots[this.#slot(number)] === number;
  }

  /** Where the number is, or where it would be. */
  #slot(number: number): number {
    const mask = this.#slots.length - 1;
    let slot = (Math.imul((number % 2 ** 32) | 0, 0x9e3779b1) ^ (number / 2 ** 20)) & mask;
    while (this.#slots[slot] !== 0 && this.#slots[slot] !== number) slot = (slot + 1) & mask;
    return slot;
  }
}
