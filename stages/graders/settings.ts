/** The params of a stage that grades answers, for those that take another process; light, for recipes that are only planned. */
import {described} from '../../pipeline/params.js';
import {SANDBOXES, sandboxCautions, type SandboxKind} from '../sandbox/names.js';
import type {Extraction} from '../tasks/asking.js';
import {judgeCautions, NO_JUDGE, type JudgeParam} from './judge-settings.js';

/** What graders are told by the params of a stage. */
export interface GradingSettings {
  /** How programs that a model writes are contained (task code), bubblewrap unless given. */
  readonly sandbox?: SandboxKind | undefined;
  /** Who judges answers by a rubric (task judge). */
  readonly judge?: JudgeParam | undefined;
  /** Where answers are looked for, as their task does unless given. */
  readonly extraction?: Extraction | undefined;
  /** What the language reward is where the thinking has no word, 0 unless given. */
  readonly noWords?: number | undefined;
}

/** These as params. */
export const GRADING = {
  sandbox: described('bubblewrap', 'How programs that a model writes are contained (task code).', SANDBOXES),
  judge: described<JudgeParam>(
    NO_JUDGE,
    'Who judges answers by a rubric (task judge): a model at the endpoint of R1_JUDGE_URL; "" as model where nothing is judged.',
    {should: `a record of ${Object.keys(NO_JUDGE).join(', ')}`},
  ),
};

/**
 * What a plan says of these params.
 *
 * @param answers how many answers there may be to grade, in words
 */
export const gradingCautions = (
  {sandbox, judge}: {readonly sandbox: SandboxKind; readonly judge: JudgeParam},
  answers: string,
): string[] => [...sandboxCautions({sandbox}), ...judgeCautions(judge, answers)];
