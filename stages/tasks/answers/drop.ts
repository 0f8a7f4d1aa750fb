/**
 * Answers of one or several spans, as in DROP (Dua et al., arXiv 1903.00161): the spans of answer and reference are aligned one to one so
 * that the sum of their F1 is largest, where a pair whose numbers differ is worth 0, and the mean is taken over the longer list. A
 * reference has a span a line; `references` are as good, and the best one counts.
 */
import type {AnswerKind} from '../task.js';
import type {Prompt} from '../prompt.js';
import {agreed, collapsed, givenIn, LONGEST_ANSWER, referencesIn} from './answer.js';
import {PUNCTUATION, withoutArticles} from './f1.js';

const NUMBER = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+)(?:e[+-]?\d+)?$|^[+-]?(?:inf|infinity|nan)$/;

const isNumber = (word: string): boolean => NUMBER.test(word);

/** `12`, `12.0` and `12,` are one number; `$5` is 5. */
function normalWord(word: string): string {
  const bare = isNumber(word) ? word : word.replaceAll(PUNCTUATION, '');
  const number = isNumber(bare) ? String(Number(bare.replaceAll('_', ''))) : bare;
  return withoutArticles(number).trim();
}

/** The words of a span, each once. */
const bagOf = (span: string): ReadonlySet<string> =>
  new Set(
    span
      .toLowerCase()
      .split(/[\s-]/)
      .flatMap((word) => normalWord(word).split(/\s+/))
      .filter((word) => word !== ''),
  );

function bagF1(given: ReadonlySet<string>, wanted: ReadonlySet<string>): number {
  const numbers = [...wanted].filter(isNumber);
  if (numbers.length > 0 && !numbers.some((number) => given.has(number))) return 0;
  const shared = [...given].filter((word) => wanted.has(word)).length;
  const precision = given.size === 0 ? 1 : shared / given.size;
  const recall = wanted.size === 0 ? 1 : shared / wanted.size;
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/**
 * The F1 of two lists of spans, in [0, 1]; 1 where each span has the words of another.
 *
 * @param given at least one span, likewise `wanted`
 */
export function dropF1(given: readonly string[], wanted: readonly string[]): number {
  const [ours, theirs] = [given.map(bagOf), wanted.map(bagOf)];
  const scores = theirs.map((bag) => ours.map((one) => bagF1(one, bag)));
  return largestSum(scores) / Math.max(given.length, wanted.length);
}

/** The largest sum of entries of a matrix of which no two share a row or a column: the Hungarian method, O(rows² × columns). */
export function largestSum(values: readonly (readonly number[])[]): number {
  const columns = values[0]?.length ?? 0;
  if (values.length > columns)
    return largestSum(Array.from({length: columns}, (_, column) => values.map((row) => row[column]!)));
  // Potentials of rows and columns, and the row of each column; both are counted from 1, and 0 is none.
  const [u, v] = [new Float64Array(values.length + 1), new Float64Array(columns + 1)];
  const rowOf = new Int32Array(columns + 1);
  for (let row = 1; row <= values.length; row++) {
    const slack = new Float64Array(columns + 1).fill(Infinity);
    const from = new Int32Array(columns + 1);
    const isSeen = new Uint8Array(columns + 1);
    let column = 0;
    for (rowOf[0] = row; rowOf[column] !== 0;) {
      isSeen[column] = 1;
      const at = rowOf[column]!;
      let [least, next] = [Infinity, 0];
      for (let other = 1; other <= columns; other++) {
        if (isSeen[other] === 1) continue;
        const cost = -values[at - 1]![other - 1]! - u[at]! - v[other]!;
        if (cost < slack[other]!) [slack[other], from[other]] = [cost, column];
        if (slack[other]! < least) [least, next] = [slack[other]!, other];
      }
      for (let other = 0; other <= columns; other++) {
        if (isSeen[other] === 1) {
          u[rowOf[other]!]! += least;
          v[other]! -= least;
        } else slack[other]! -= least;
      }
      column = next;
    }
    for (; column !== 0; column = from[column]!) rowOf[column] = rowOf[from[column]!]!;
  }
  let sum = 0;
  for (let column = 1; column <= columns; column++)
    if (rowOf[column]! > 0) sum += values[rowOf[column]! - 1]![column - 1]!;
  return sum;
}

const spansIn = (text: string, border: RegExp): string[] =>
  text
    .split(border)
    .map((span) => span.trim())
    .filter((span) => span !== '');

/** Lines, or what semicolons part. */
const LISTED = /[\n;]/;
/** Where the reference has several spans, an answer on one line may list them so. */
const SPOKEN = /[\n;,]|\band\b/;

/** More spans than any answer has; a longer list is one span. */
const MOST_SPANS = 200;

const read = (text: string): string | undefined => {
  const lines = collapsed(text);
  return lines === '' || text.length > LONGEST_ANSWER || bagOf(lines).size === 0 ? undefined : lines;
};

export const drop: AnswerKind = {
  read: (completion) => agreed(givenIn(completion), read),
  reference: (text) => agreed(referencesIn(text), read),
  grade: (given, reference, {references = []}: Pick<Prompt, 'references'> = {}) => {
    const ways = (wanted: readonly string[]): string[][] => {
      const lists = [[given], spansIn(given, LISTED), ...(wanted.length > 1 ? [spansIn(given, SPOKEN)] : [])];
      return lists.filter(({length}) => length > 0 && length <= MOST_SPANS);
    };
    const all = [reference, ...references].map((text) => spansIn(text, /\n/)).filter(({length}) => length > 0);
    return Math.max(0, ...all.flatMap((wanted) => ways(wanted).map((spans) => dropF1(spans, wanted))));
  },
};
