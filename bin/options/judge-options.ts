/** Options of a command whose answers may go to a judge. */
import {readFileSync} from 'node:fs';
import type {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import {columnMistakes} from '../../stages/data/import/params.js';
import {judgeMistakes} from '../../stages/graders/judge-settings.js';
import type {JudgeParam, JudgeSettings} from '../../stages/graders/judge-settings.js';
import {countingNumber} from './numbers.js';
import type {PromptFlags} from './prompt-options.js';

export interface JudgeFlags {
  readonly judge?: string;
  readonly rubric?: string;
  readonly points?: number;
  readonly judgeRequest?: string;
  readonly judgeTimeout?: number;
  readonly judgeConcurrency?: number;
}

export const withJudge = (command: Command): Command =>
  command
    .option(
      '--judge <model>',
      'with --answers judge: the model that judges, at the OpenAI-compatible endpoint of which R1_JUDGE_URL is the base; ' +
        'JUDGE_API_KEY is its key, if it wants one',
    )
    .option('--rubric <file>', 'a text that says what a good answer is, for questions that have no rubric of their own')
    .option('--points <n>', 'the best mark that the judge can give (default: it says PASS or FAIL)', countingNumber)
    .option(
      '--judge-request <json>',
      'fields of each request to the judge, added to temperature 0, seed 0 and max_tokens 1024; null leaves one out',
    )
    .option('--judge-timeout <ms>', 'how long one request to the judge may take (default: 60000)', countingNumber)
    .option('--judge-concurrency <n>', 'requests to the judge at a time (default: 8)', countingNumber);

/**
 * The settings of the judge, `undefined` where none is wanted.
 *
 * @throws {UserError} where options do not go together, or the rubric cannot be read
 */
export function judgeOf({
  judge,
  rubric,
  points,
  judgeRequest,
  judgeTimeout,
  judgeConcurrency,
  answers,
  column,
}: JudgeFlags & Pick<PromptFlags, 'answers' | 'column'>): JudgeParam | undefined {
  const wrong = (problem: string, hint?: string): UserError =>
    new UserError('bad-argument', problem, hint === undefined ? {} : {hint});
  const [mistake] = columnMistakes(column, {answers});
  if (mistake !== undefined) throw wrong(mistake);
  if (answers !== 'judge') {
    const all = {
      ...{judge, rubric, points},
      ...{'judge-request': judgeRequest, 'judge-timeout': judgeTimeout, 'judge-concurrency': judgeConcurrency},
    };
    const [flag] = Object.entries(all).find(([, value]) => value !== undefined) ?? [];
    if (flag !== undefined) throw wrong(`--${flag} is for answers that a judge reads`, 'say --answers judge');
    return undefined;
  }
  if (judge === undefined) throw wrong('--answers judge wants to know who judges', 'say --judge MODEL');
  const param: JudgeParam = {
    model: judge,
    ...(rubric === undefined ? {} : {rubric: textOf(rubric)}),
    ...(points === undefined ? {} : {points}),
    ...(judgeRequest === undefined ? {} : {request: fieldsOf(judgeRequest)}),
    ...(judgeTimeout === undefined ? {} : {timeout: judgeTimeout}),
    ...(judgeConcurrency === undefined ? {} : {concurrency: judgeConcurrency}),
  };
  const [fault] = judgeMistakes(param);
  if (fault !== undefined) throw wrong(fault);
  return param;
}

/** What it holds is checked with the other settings. */
function fieldsOf(text: string): JudgeSettings['request'] {
  try {
    return JSON.parse(text) as JudgeSettings['request'];
  } catch (error) {
    throw new UserError('bad-argument', `--judge-request is no JSON: ${(error as Error).message}`, {
      hint: `say --judge-request '{"max_tokens": 4096}'`,
    });
  }
}

function textOf(file: string): string {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(readFileSync(file));
  } catch (error) {
    throw new UserError('bad-argument', `${file} cannot be read as a rubric: ${(error as Error).message}`);
  }
}
