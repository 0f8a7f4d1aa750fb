/** A task of one's own with every function of it watched: it is code that r1 did not write, so what it gives is looked at. */
import {builtInTasks} from './built-in.js';
import type {Problem, TaskDefinition} from './define-task.js';
import {LANGUAGES} from '../text/language.js';
import {called, fault, valueText} from './faults.js';
import {SPLITS} from './splits.js';
import type {AnswerKind, Mended} from './task.js';

/** The same task. @throws {StageFailure} from its functions, with its name and file, where they throw or give what they must not */
export function guarded(task: TaskDefinition): TaskDefinition {
  const {answer, respond, split, mend} = task;
  return {
    ...task,
    problems: (random) =>
      checked(
        task,
        answer,
        called(task, 'problems', () => task.problems(random)),
      ),
    ...(respond === undefined
      ? {}
      : {
          respond(problem, random) {
            const text: unknown = called(task, 'respond', () => task.respond!(problem, random));
            if (typeof text === 'string' && text.trim() !== '') return text;
            const wanted = typeof text === 'string' ? 'in which nothing is said' : 'not a text';
            throw fault(task, `respond gave ${valueText(text)} for the problem ${valueText(problem)}, ${wanted}`);
          },
        }),
    ...(split === undefined
      ? {}
      : {
          split(problem) {
            const side = called(task, 'split', () => task.split!(problem));
            if (SPLITS.includes(side)) return side;
            throw fault(task, `split gave ${valueText(side)}, not one of ${SPLITS.join(', ')}`);
          },
        }),
    ...(mend === undefined
      ? {}
      : {
          mend(...about) {
            const where = `on prompt ${about[0].id}`;
            const mended: unknown = called(task, 'mend', () => task.mend!(...about), where);
            if (isMended(mended)) return mended;
            throw fault(
              task,
              `mend gave ${valueText(mended)} ${where}, and not {ok: true, value: 'text to learn from'} or {ok: false, error: 'why there is none'}`,
            );
          },
        }),
    // That of a built-in task stays what it is, and is known by it.
    ...(answer === undefined || isBuiltIn(answer) ? {} : {answer: guardedAnswer(task, answer)}),
  };
}

const isBuiltIn = (answer: AnswerKind): boolean => [...builtInTasks.values()].some((task) => task.answer === answer);

function isMended(value: unknown): value is Mended {
  if (typeof value !== 'object' || value === null) return false;
  const {ok, value: text, error} = value as {readonly [field: string]: unknown};
  return ok === true ? typeof text === 'string' && text.trim() !== '' : ok === false && typeof error === 'string';
}

/** The fields that are texts where they are there. */
const TEXTS = ['answer', 'solution', 'language'] as const;

function checked(task: TaskDefinition, kind: AnswerKind | undefined, problem: Problem): Problem {
  if (typeof (problem as unknown) !== 'object' || (problem as unknown) === null)
    throw fault(task, `problems gave ${valueText(problem)}, not a problem: {question, answer}`);
  const about = `a problem ${valueText(problem)}`;
  if (typeof problem.question !== 'string' || problem.question.trim() === '')
    throw fault(task, `${about} has no question`);
  const strange = TEXTS.find((field) => problem[field] !== undefined && typeof problem[field] !== 'string');
  if (strange !== undefined) throw fault(task, `${about} has a “${strange}” that is not a text`);
  const {language, steps} = problem;
  if (language !== undefined && !LANGUAGES.includes(language))
    throw fault(task, `${about} has the “language” ${valueText(language)}, not one of ${LANGUAGES.join(', ')}`);
  if (steps !== undefined && !Number.isFinite(steps))
    throw fault(task, `${about} has “steps” that are not a number: ${valueText(steps)}`);
  if (kind === undefined) return problem;
  if (problem.answer === undefined)
    throw fault(task, `${about} has no answer; a task without answers says answer: null`);
  if (guardedAnswer(task, kind).reference(problem.answer) === undefined)
    throw fault(task, `${about} has an answer that “answer.reference” cannot read`);
  return problem;
}

function guardedAnswer(task: TaskDefinition, answer: AnswerKind): AnswerKind {
  const text = (what: 'read' | 'reference', value: unknown): string | undefined => {
    if (value === undefined || typeof value === 'string') return value;
    throw fault(task, `answer.${what} gave ${valueText(value)}, not a text or undefined`);
  };
  return {
    read: (completion) =>
      text(
        'read',
        called(task, 'answer.read', () => answer.read(completion)),
      ),
    reference: (reference) =>
      text(
        'reference',
        called(task, 'answer.reference', () => answer.reference(reference)),
      ),
    ...(answer.grade === undefined
      ? {}
      : {
          grade(given, reference) {
            const value: unknown = called(task, 'answer.grade', () => answer.grade!(given, reference));
            if (typeof value === 'number' && value >= 0 && value <= 1) return value;
            throw fault(task, `answer.grade gave ${valueText(value)}, not a number from 0 to 1`);
          },
        }),
  };
}
