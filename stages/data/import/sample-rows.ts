/** Rows of a file as samples to learn from: a question, bare, and the whole response. */
import {StageFailure} from '../../../pipeline/stage.js';
import {questionHash} from '../../tasks/splits.js';
import type {SampleRow} from '../schemas.js';
import {answerOf, rowReader} from './columns.js';
import type {ReadRow} from './columns.js';
import {spokenIn, unusedId} from './prompt-rows.js';
import type {PromptOptions} from './prompt-rows.js';
import {sourceRows} from './rows.js';
import type {Tally} from './tally.js';
import {Unusable} from './unusable.js';

export interface SampleOptions extends Omit<PromptOptions, 'answers'> {
  /** Conversations of more than one question. */
  readonly turns?: 'unusable' | 'first' | 'last';
  /** System prompts. */
  readonly system?: 'unusable' | 'leave-out' | 'prepend';
}

/**
 * The samples of a file or folder in their order.
 *
 * @param tally is told what was found
 * @throws {StageFailure} with file, line or row, and field
 */
export async function* sampleRows(
  path: string,
  name: string,
  options: SampleOptions,
  tally: Tally,
): AsyncGenerator<SampleRow> {
  const {columns = {}, unusable = 'refuse'} = options;
  const read = rowReader(columns, 'response');
  const ids = new Map<string, string>();
  for await (const row of sourceRows(path, name, options)) {
    tally.rows += 1;
    try {
      const found = read(row);
      const {question, response} = spoken(found, answerOf(found, row, columns), options, tally);
      const language = spokenIn(found, options);
      const id = unusedId(found, `imported:${questionHash(question)}:${tally.rows}`, ids);
      tally.row(found);
      if (language !== undefined) tally.count(tally.languages, language);
      yield {id, from: [], ...(language === undefined ? {} : {language}), question, response};
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      if (unusable === 'refuse') throw new StageFailure(`${error.message}; unusable: 'drop' leaves such rows out`);
      tally.count(tally.unusable, error.why);
    }
  }
  if (tally.rows === 0) throw new StageFailure(`${name} holds no rows`);
}

/** What of a row is learned, by what the recipe says of turns and system prompts. */
function spoken(
  {at, question, before, system, thinking}: ReadRow,
  answer: string,
  {turns = 'unusable', system: ofSystem = 'unusable'}: SampleOptions,
  tally: Tally,
): {question: string; response: string} {
  let [asked, said, thought] = [question, answer, thinking];
  if (before.length > 0) {
    const [first, reply] = before;
    if (turns === 'unusable')
      throw new Unusable(
        `${at} has ${before.length} turns before its last question; turns: 'first' or 'last' takes one`,
        'more than one question',
      );
    if (turns === 'first') {
      if (first?.role !== 'user' || reply === undefined)
        throw new Unusable(`${at} does not begin with a question and its reply`, 'no first question');
      [asked, said, thought] = [first.text, reply.text, undefined];
    }
    tally.turnsLeftOut += 1;
  }
  if (system !== undefined && system.trim() !== '') {
    if (ofSystem === 'unusable')
      throw new Unusable(
        `${at} has a system prompt; system: 'leave-out' or 'prepend' makes the row one to learn from`,
        'a system prompt',
      );
    if (ofSystem === 'prepend') asked = `${system}\n\n${asked}`;
    else tally.systemLeftOut += 1;
  }
  if (said.trim() === '' || asked.trim() === '') throw new Unusable(`${at} has an empty turn`, 'an empty turn');
  // As DeepSeek-R1 writes it; a response that thinks in its own text stays as it is.
  const response =
    thought === undefined || said.includes('<think>') ? said : `<think>\n${thought.trim()}\n</think>\n\n${said}`;
  return {question: asked, response};
}
