/**
 * Prompts from outside: JSON Lines with a question and its answer. Answers that are whole numbers are compared as
 * numbers, all others as text.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {kindOfReference} from './answers/kind.js';
import {LANGUAGES, type Language} from '../text/language.js';
import type {Prompt} from './prompt.js';
import {questionHash} from './splits.js';

/**
 * The prompts of a file. The key is a hash of the question, case and spacing aside, so a question that occurs twice is
 * on one side of the split.
 *
 * @param where the file's name for messages
 * @throws {StageFailure} naming the line, when a row is not what it should be
 */
export function importPrompts(jsonl: string, where: string): Prompt[] {
  const prompts: Prompt[] = [];
  const ids = new Map<string, number>();
  for (const [index, line] of jsonl.split('\n').entries()) {
    if (line.trim() === '') continue;
    const at = `${where}:${index + 1}`;
    const prompt = promptOf(line, at);
    const earlier = ids.get(prompt.id);
    if (earlier !== undefined) throw new StageFailure(`${at}: the id “${prompt.id}” was used in line ${earlier}`);
    ids.set(prompt.id, index + 1);
    prompts.push(prompt);
  }
  if (prompts.length === 0) throw new StageFailure(`${where} holds no questions`);
  return prompts;
}

function promptOf(line: string, at: string): Prompt {
  const row = objectOf(line, at);
  const question = textOf(row['question'], 'question', at);
  const answer = textOf(typeof row['answer'] === 'number' ? String(row['answer']) : row['answer'], 'answer', at);
  const language = row['language'];
  if (language !== undefined && !LANGUAGES.includes(language as Language)) {
    throw new StageFailure(`${at}: “language” is ${JSON.stringify(language)}, it can be ${LANGUAGES.join(' or ')}`);
  }
  const hash = questionHash(question);
  const kind = kindOfReference(answer);
  if ('fault' in kind) throw new StageFailure(`${at}: “answer” ${kind.fault}`);
  return {
    id: row['id'] === undefined ? `imported:${hash}:${at.slice(at.lastIndexOf(':') + 1)}` : textOf(row['id'], 'id', at),
    from: [],
    task: kind.task,
    key: `imported:${hash}`,
    ...(language === undefined ? {} : {language: language as Language}),
    question,
    answer: kind.answer,
  };
}

function objectOf(line: string, at: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new StageFailure(`${at} is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new StageFailure(`${at} is not an object`);
  return value as Record<string, unknown>;
}

function textOf(value: unknown, field: string, at: string): string {
  if (typeof value !== 'string' || value.trim() === '') throw new StageFailure(`${at}: “${field}” must be a text`);
  return value;
}
