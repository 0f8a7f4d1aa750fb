/** Rows in a file, as the library is handed them. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {TestContext} from 'node:test';
import type {StoredRows} from '../../../stages/samples/index.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** @param rows objects, or lines as they are */
export function storedRows(
  t: TestContext,
  rows: readonly (object | string)[],
  about: Partial<Pick<StoredRows, 'name' | 'stage' | 'params'>> = {},
): StoredRows {
  const path = join(temporaryFolder(t), 'rows.jsonl');
  writeFileSync(path, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
  return {name: 'zero:rollouts @1234abcd', files: [{file: 'rows.jsonl', path}], ...about};
}

/** A row as `grpo` writes it, as far as a test needs it. */
export const rollout = (prompt: string, sample: number, fields: object = {}): object => ({
  id: `step-0:${prompt}#${sample}`,
  from: [prompt],
  step: 0,
  question: `${prompt}?`,
  completion: 'text',
  tokens: 4,
  finished: true,
  reward: 1,
  verdicts: {accuracy: {outcome: 'right', value: 1}},
  ...fields,
});

/** The fields of a rollout by whether it is right. */
export const judged = (isRight: boolean): object => ({
  reward: isRight ? 1 : 0,
  verdicts: {accuracy: {outcome: isRight ? 'right' : 'wrong', value: isRight ? 1 : 0}},
});
