/** Questions that must not be trained on: those held out, and those of benchmarks. */
import {StageFailure} from '../../../pipeline/stage.js';
import {questionHash} from '../../tasks/splits.js';
import type {Prompt} from '../../tasks/prompt.js';
import {choicesIn} from './choice-rows.js';
import {withoutInstruction} from './code-rows.js';
import {rowReader} from './columns.js';
import {Runs} from './ngrams.js';
import type {Columns} from './params.js';
import {sourceRows} from './rows.js';
import {inRecipe} from './wording.js';

/** Memory: some 20 bytes a word that is protected. */
export class Protected {
  readonly #hashes = new Set<string>();
  readonly #runs = new Runs();

  add(question: string): void {
    this.#hashes.add(questionHash(question));
    this.#runs.add(withoutInstruction(question));
  }

  /** Different questions. */
  get count(): number {
    return this.#hashes.size;
  }

  /** Whether this is such a question in any spelling, or the question or the response shares a run of words with one. */
  touches({question, response = ''}: {readonly question: string; readonly response?: string}): boolean {
    if (this.#hashes.size === 0) return false;
    if (this.#hashes.has(questionHash(question))) return true;
    return [withoutInstruction(question), response].some((text) => this.#runs.overlaps(text));
  }
}

/** What is asked, without the words that every question with choices ends with. */
export const askedText = ({question, stem, choices}: Pick<Prompt, 'question' | 'stem' | 'choices'>): string =>
  stem === undefined || choices === undefined ? question : [stem, ...choices].join('\n');

/**
 * The questions of benchmark files.
 *
 * @throws {StageFailure} with the place of a row that has none
 */
export async function readBenchmarks(path: string, columns: Columns, onRead: () => void): Promise<Protected> {
  const questions = new Protected();
  const wording = inRecipe('benchmarkColumns');
  const read = rowReader(columns, 'reference', wording);
  for await (const row of sourceRows(path, path, {onRead})) {
    const {question: stem, answer} = read(row);
    const choices = choicesIn(row, columns, {answer, wording})?.texts;
    questions.add(askedText({question: stem, stem, ...(choices && {choices})}));
  }
  if (questions.count === 0) throw new StageFailure(`${path} holds no questions`);
  return questions;
}
