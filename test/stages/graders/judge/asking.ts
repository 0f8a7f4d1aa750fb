/** Questions to a judge, and a judge at the address of a server, with waits that a test can afford. */
import type {TestContext} from 'node:test';
import type {GradeRequest} from '../../../../stages/graders/grader.js';
import {openJudge, type Judge} from '../../../../stages/graders/judge/judge-grader.js';
import {JUDGE_LIMITS, type JudgeLimits} from '../../../../stages/graders/judge/limits.js';
import {settingsOf, type JudgeParam} from '../../../../stages/graders/judge-settings.js';
import type {Prompt} from '../../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../../stages/text/completion.js';
import type {JudgeServer} from './server.js';

export const prompt = (id: string, more: Partial<Prompt> = {}): Prompt => ({
  ...{id, from: [], task: 'judge', key: id, question: `Question ${id}?`, answer: ''},
  ...more,
});

export const asking = (given: string, more: Partial<Prompt> = {}): GradeRequest => {
  const asked = prompt('one', more);
  return {prompt: asked, completion: readCompletion(given, true), given, reference: asked.answer!};
};

/** The body of a chat completion that says `content`. */
export const choice = (content: unknown): string =>
  JSON.stringify({choices: [{index: 0, finish_reason: 'stop', message: {role: 'assistant', content}}]});

/** Waits that a test can afford. */
export const QUICK: JudgeLimits = {...JUDGE_LIMITS, firstWait: 5, longestWait: 20, patience: 300, troubles: 4};

export function judgeAt(
  t: TestContext,
  {url}: Pick<JudgeServer, 'url'>,
  param: JudgeParam = {},
  options: {readonly key?: string; readonly limits?: JudgeLimits; readonly notes?: string[]} = {},
): Judge {
  const {key, limits = QUICK, notes = []} = options;
  const settings = settingsOf({model: 'm', rubric: 'Is it good?', ...param});
  const judge = openJudge({settings, address: url, key, limits, note: (text) => void notes.push(text)});
  t.after(() => judge.close());
  return judge;
}
