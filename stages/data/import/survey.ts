/**
 * What rows have in common: families, duplicates, contradicting answers. Rows are known by hashes of 48 bits, so memory grows by some
 * 200 bytes a row, however long the rows are; among a million rows two unlike ones are taken for one with a chance of 0.2 %.
 */
import {createHash} from 'node:crypto';
import {exactQuestionHash} from '../../tasks/splits.js';
import {Families} from './families.js';

export interface SurveyedRow {
  readonly question: string;
  /** `questionHash` of it. */
  readonly hash: string;
  /** As it counts for comparing; its canonical form (NFC) is looked at. */
  readonly answer: string;
  readonly group?: string | undefined;
}

export class Survey {
  readonly families = new Families();
  /** Question and answer → the first row that has both. */
  readonly #first = new Map<number, number>();
  readonly #duplicates = new Map<number, number>();
  /** Question as it is spelt → its answer. */
  readonly #answers = new Map<number, number>();
  readonly #contradicting = new Set<number>();
  readonly #questions: number[] = [];

  add({question, hash, answer, group}: SurveyedRow): void {
    const row = this.#questions.length;
    this.families.add(hash, group);
    const said = numberOf(answer.normalize('NFC').replaceAll(/\s+/g, ' ').trim());
    const both = numberOf(`${hash} ${said}`);
    const first = this.#first.get(both);
    if (first === undefined) this.#first.set(both, row);
    else this.#duplicates.set(row, first);
    const asked = numberOf(exactQuestionHash(question));
    this.#questions.push(asked);
    const earlier = this.#answers.get(asked);
    if (earlier === undefined) this.#answers.set(asked, said);
    else if (earlier !== said) this.#contradicting.add(asked);
  }

  get rows(): number {
    return this.#questions.length;
  }

  /** The row that asked and answered the same before. */
  duplicateOf(row: number): number | undefined {
    return this.#duplicates.get(row);
  }

  /** Whether another row asks the same, letter by letter, and has another answer. */
  contradicts(row: number): boolean {
    return this.#contradicting.has(this.#questions[row]!);
  }
}

const numberOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6);
