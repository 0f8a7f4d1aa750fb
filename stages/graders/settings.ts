/** The params of a stage that grades answers, for those that take another process; light, for recipes that are only planned. */
import {param} from '../../pipeline/stage.js';
import {sandboxCautions, type SandboxKind} from '../sandbox/names.js';
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

/** The defaults of these params. */
export const GRADING = {
  /** How programs that a model writes are contained (task code). */
  sandbox: param<SandboxKind>('bubblewrap'),
  /** Who judges answers by a rubric (task judge): graders/judge-settings.ts. */
  judge: param<JudgeParam>(NO_JUDGE),
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
