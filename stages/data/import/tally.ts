/** What was found while a file was read, for its data card and the notes. */
import type {ReadRow} from './columns.js';
import {inRecipe} from './wording.js';

export class Tally {
  rows = 0;
  /** Why rows could not be used, and how many. */
  readonly unusable: Record<string, number> = {};
  /** Role → field → rows in which it was found there. */
  readonly columns: Record<string, Record<string, number>> = {};
  readonly tasks: Record<string, number> = {};
  readonly languages: Record<string, number> = {};
  /** Fields that could have been the answer, too. */
  readonly passedOver: Record<string, number> = {};
  /** Fields that are called as choices are, and hold none. */
  readonly noChoices: Record<string, number> = {};
  /** Fields with a passage that is not asked. */
  readonly unasked: Record<string, number> = {};
  formulas = 0;
  formulaExample: string | undefined;
  /** Rows whose question is the last turn of a conversation with more before it. */
  turnsLeftOut = 0;
  systemLeftOut = 0;
  aboutJoined = 0;

  count(of: Record<string, number>, name: string): void {
    of[name] = (of[name] ?? 0) + 1;
  }

  row({from, passedOver, unasked}: ReadRow): void {
    for (const [role, field] of Object.entries(from)) this.count((this.columns[role] ??= {}), field);
    for (const field of passedOver) this.count(this.passedOver, field);
    for (const field of unasked) this.count(this.unasked, field);
    if (from.context !== undefined) this.aboutJoined += 1;
  }

  /** Role → its field, or its fields with the numbers of rows. */
  columnsCard(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.columns).map(([role, fields]) => {
        const names = Object.entries(fields);
        return [role, names.length === 1 ? names[0]![0] : names.map(([name, rows]) => `${name} (${rows})`).join(', ')];
      }),
    );
  }

  /**
   * What a person should know of how the file was read, a sentence each.
   *
   * @param wording how they write a mapping
   */
  notes(wording = inRecipe()): string[] {
    const {question, answer, context, choices} = this.columnsCard();
    const passed = Object.keys(this.passedOver);
    const unusable = Object.entries(this.unusable).map(([why, rows]) => `${rows} ${why}`);
    const plain = question === 'question' && answer === 'answer' && context === undefined && passed.length === 0;
    return [
      ...(plain || question === undefined
        ? []
        : [
            `questions from “${question}”${context === undefined ? '' : ` with “${context}” behind them`}` +
              (answer === undefined ? '' : `, answers from “${answer}”`) +
              (passed.length === 0
                ? ''
                : ` and not from ${quoted(passed)}, which ${passed.length === 1 ? 'is' : 'are'} there, too`),
          ]),
      // A column for each choice: that nobody named, and a person may not have meant.
      ...(choices?.includes(' … ') === true ? [`choices from “${choices}”`] : []),
      ...Object.entries(this.noChoices).map(
        ([field, rows]) => `${rowsHave(rows)} a field “${field}” that is no list of choices, and asked without it`,
      ),
      ...Object.entries(this.unasked).map(
        ([field, rows]) =>
          `${rowsHave(rows)} a field “${field}”, which is not asked; ${wording.columns({context: field})} puts it behind the question, ` +
          `${wording.columns({context: ''})} says that it does not belong to it`,
      ),
      ...(unusable.length === 0 ? [] : [`left out as unusable: ${unusable.join(', ')}`]),
      ...(this.turnsLeftOut === 0
        ? []
        : [
            `${this.turnsLeftOut === 1 ? '1 question is the last turn of a conversation' : `${this.turnsLeftOut} questions are the last turns of conversations`}, ` +
              'and the turns before are left out',
          ]),
      ...(this.systemLeftOut === 0 ? [] : [`${rowsHave(this.systemLeftOut)} a system prompt, which is left out`]),
    ];
  }
}

const rowsHave = (rows: number): string => `${rows} ${rows === 1 ? 'row has' : 'rows have'}`;

const quoted = (names: readonly string[]): string => names.map((name) => `“${name}”`).join(', ');
