/**
 * The grader of mathematics, from the side of the stage: a Python process that has loaded Math-Verify and forks for each
 * comparison (serve.py), and what it said before.
 */
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import type {Prompt} from '../../tasks/prompt.js';
import type {Grader, GradeRequest, Graded} from '../grader.js';
import {verdict} from '../verdict.js';
import {MATH_LIMITS, type MathLimits} from './limits.js';
import {startServer, type Answer, type Question, type Server} from './server.js';

/** What asks for a share in percent: there, 28 % is a way to say 28. */
const asksForPercent = ({question}: Prompt): boolean => /percent|%|百分/i.test(question);

const INTEGER = /^(?:0|-?[1-9]\d{0,30})$/;

/** What needs no Python: the same text, and two integers. */
function quick({given, reference}: Question): Answer | undefined {
  if (given === undefined) return undefined;
  if (given === reference) return {outcome: 'right', why: null, read: given};
  return INTEGER.test(given) && INTEGER.test(reference) ? {outcome: 'wrong', why: null, read: given} : undefined;
}

/** Whether references can be read. */
export interface ReferenceReader {
  /** For each reference, why it cannot be read, or `undefined`. */
  check(references: readonly string[]): Promise<(string | undefined)[]>;
}

export async function openMathGrader({
  python,
  processes,
  limits = MATH_LIMITS,
  findsAnswers = false,
}: {
  /** The interpreter of an environment that has Math-Verify. */
  readonly python: string;
  /** Comparisons at a time. */
  readonly processes: number;
  readonly limits?: MathLimits;
  /** Whether whole replies are given, in which Math-Verify finds the answers (extraction “math-verify”). */
  readonly findsAnswers?: boolean;
}): Promise<Grader & ReferenceReader> {
  const server: Server = await startServer({python, processes, limits});
  const known = new Map<string, Answer>();

  /** Answers in the order of the questions; equal questions are asked once, also from batch to batch. */
  const ask = async (questions: readonly Question[], signal?: AbortSignal): Promise<Answer[]> => {
    const keys = questions.map((question) => JSON.stringify(question));
    keys.forEach((key, index) => {
      const answer = quick(questions[index]!);
      if (answer !== undefined) known.set(key, answer);
    });
    const missing = new Map(keys.flatMap((key, index) => (known.has(key) ? [] : [[key, questions[index]!] as const])));
    const onAbort = (): void => server.end(new Stopped());
    if (signal?.aborted === true) throw new Stopped();
    signal?.addEventListener('abort', onAbort);
    try {
      const said = await server.ask([...missing.values()]);
      [...missing.keys()].forEach((key, index) => known.set(key, said[index]!));
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    return keys.map((key) => known.get(key)!);
  };

  return {
    async grade(requests, signal) {
      const questions = requests.map(({prompt, given, reference}) => ({
        reference,
        given,
        percent: asksForPercent(prompt),
        ...(findsAnswers ? {whole: true as const} : {}),
      }));
      const answers = await ask(questions, signal);
      return answers.map((answer, index) => ({
        ...gradedOf(answer, requests[index]!),
        ...(findsAnswers ? {read: answer.read} : {}),
      }));
    },
    async check(references) {
      const answers = await ask(references.map((reference) => ({reference})));
      return answers.map(({outcome, why}) => (outcome === 'right' ? undefined : (why ?? outcome)));
    },
    close: () => {
      server.end(new Error('Internal error: the grader of mathematics was closed in the middle of a batch'));
      return server.closed;
    },
  };
}

/** @throws {StageFailure} where the reference cannot be read, which importing it has ruled out */
function gradedOf({outcome, why}: Answer, {prompt, reference}: GradeRequest): Graded {
  if (outcome === 'reference')
    throw new StageFailure(
      `the reference answer of prompt ${prompt.id} cannot be read as mathematics (${why ?? 'no reason given'}): ${JSON.stringify(reference.slice(0, 200))}`,
    );
  return {...verdict(outcome), ...(why === null ? {} : {why})};
}
