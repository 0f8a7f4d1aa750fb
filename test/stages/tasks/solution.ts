/** The dials worked out by hand, to compare with what programs and models write. */
import {turn, workedSteps, writeStep} from '../../../stages/tasks/dials.js';
import type {DialsProblem, Step} from '../../../stages/tasks/dials.js';
import type {BuiltInLanguage} from '../../../stages/text/language.js';

/** The reasoning in words, without tags. */
export const workedSolution = (problem: DialsProblem, language: BuiltInLanguage = problem.language): string =>
  workedSteps(problem)
    .map((step) => writeStep(step, language))
    .join(' ');

/** Whether a line's own arithmetic is right; says nothing about whether the line belongs to the problem. */
export const isSoundStep = ({from, by, to}: Step): boolean => turn(from, by) === to;
