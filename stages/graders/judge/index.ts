/** A judge behind HTTP, as `../registry.ts` asks for it. */
import {StageFailure} from '../../../pipeline/stage.js';
import {closingAfter} from '../../train/closing.js';
import type {Prompt} from '../../tasks/prompt.js';
import type {Grader, GraderOptions} from '../grader.js';
import {openJudge, rubricOf, type Judge} from './judge-grader.js';
import {settingsOf, type JudgeParam, type JudgeSettings} from '../judge-settings.js';
import {openPreferenceJudge, type PreferenceJudge} from './preference.js';

/** Where the judge is asked, as whom, with which key. @throws {StageFailure} where no judge or no address is named */
function addressOf(judge: JudgeParam): {
  readonly settings: JudgeSettings;
  readonly address: string;
  readonly key: string | undefined;
} {
  const settings = settingsOf(judge);
  const {R1_JUDGE_URL: address = '', JUDGE_API_KEY: key} = process.env;
  if (settings.model === '')
    throw new StageFailure('there are answers to be judged, and nobody to judge them: name a model in judge.model');
  if (address === '')
    throw new StageFailure(
      'R1_JUDGE_URL is not set: it is the base of the OpenAI-compatible endpoint that judges answers, as http://127.0.0.1:8000/v1',
    );
  return {settings, address, key};
}

function judgeOf({judge = {}, note}: GraderOptions): {judge: Judge; settings: JudgeSettings} {
  const named = addressOf(judge);
  return {judge: openJudge({...named, note}), settings: named.settings};
}

/**
 * Opens the judge as one that prefers one of two replies, which asks nothing yet.
 *
 * @throws {StageFailure} where no judge or no address is named
 */
export const openPreferences = (judge: JudgeParam): PreferenceJudge => openPreferenceJudge(addressOf(judge));

/**
 * Asks the judge one question whose answer is known.
 *
 * @param prompts that it is going to judge
 * @throws {StageFailure} where a prompt has no rubric, the endpoint cannot be asked, or the judge does not keep to the form
 */
export async function prepare(options: GraderOptions, prompts: readonly Prompt[]): Promise<void> {
  const {judge, settings} = judgeOf(options);
  for (const prompt of prompts) rubricOf(prompt, settings);
  const told = await closingAfter([judge], () => judge.try());
  options.note(
    `answers to ${prompts.length} prompts are sent to ${settings.model} (${judge.called}), ${settings.concurrency} at a time`,
  );
  if (told !== undefined) options.note(told);
}

/** Opens the judge, which asks nothing yet. @throws {StageFailure} where no judge or no address is named */
export const open = (options: GraderOptions): Promise<Grader> => Promise.resolve().then(() => judgeOf(options).judge);
