/**
 * The grader that asks a judge: batches, so many requests at a time, what was said before, and when to give up. A verdict is a
 * function of what is asked as far as the server is one.
 */
import {createHash} from 'node:crypto';
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import type {Prompt} from '../../tasks/prompt.js';
import type {Graded, GradeRequest, Grader} from '../grader.js';
import {untilClosed} from '../until-closed.js';
import {credited, verdict} from '../verdict.js';
import {inParallel} from '../../endpoint/in-parallel.js';
import {shortened} from '../../endpoint/printable.js';
import {CUT_OFF, openEndpoint, type Said} from './endpoint.js';
import {judgementIn, questionFor, type Judged, type JudgeQuestion} from './form.js';
import {JUDGE_LIMITS, TRIAL_PATIENCE, type JudgeLimits} from './limits.js';
import type {JudgeSettings} from '../judge-settings.js';

export interface JudgeOptions {
  readonly settings: JudgeSettings;
  /** Base of the endpoint. */
  readonly address: string;
  readonly key?: string | undefined;
  readonly note: (text: string) => void;
  readonly limits?: JudgeLimits;
}

export interface Judge extends Grader {
  /** For messages: where it is asked. */
  readonly called: string;
  /**
   * Asks one question whose answer is known.
   *
   * @returns what there is to tell of it, if anything
   * @throws {StageFailure} where it cannot be asked, or does not keep to the form
   */
  try(): Promise<string | undefined>;
}

/** What is judged by a prompt: its own rubric, else the one for all. @throws {StageFailure} where there is none */
export function rubricOf({id, rubric}: Pick<Prompt, 'id' | 'rubric'>, settings: JudgeSettings): string {
  const found = rubric ?? settings.rubric;
  if (found.trim() === '')
    throw new StageFailure(`prompt ${id} has no rubric to be judged by, and judge.rubric is empty`);
  return found;
}

const TRIAL: Judged = {
  rubric:
    'The best verdict is for a reply that names the capital of France and no other city, the worst for any other.',
  question: 'What is the capital of France?',
  reference: 'Paris',
  reply: 'The capital of France is Paris.',
};

/** @throws {StageFailure} where the address is none */
export function openJudge({settings, address, key, note, limits = JUDGE_LIMITS}: JudgeOptions): Judge {
  const {model, points, request, concurrency, timeout} = settings;
  const endpoint = openEndpoint({address, key, timeout, limits});
  /** Digest of a request → what was said of it; the oldest go first. */
  const known = new Map<string, Graded>();
  /** Since the last judgement: how often there was none. */
  let troubles = 0;
  /** In all batches: answers, and those that were not judged, by why. */
  let answers = 0;
  const unjudged = new Map<string, number>();
  /** Why an answer was not judged → what there is to tell of it: what helps, or what the first one came with. */
  const told = new Map<string, string>();
  const without = (outcome: 'unparsable' | 'timed-out', why: string, more: string): Graded => {
    if (!told.has(why)) told.set(why, more);
    return {...verdict(outcome), why};
  };

  const bodyOf = ({text}: JudgeQuestion): string => {
    const fields = Object.entries(request).filter(([, value]) => value !== null);
    return JSON.stringify({model, messages: [{role: 'user', content: text}], ...Object.fromEntries(fields)});
  };

  /** What helps, else what the server said. */
  const wordsOf = ({why, words}: Said & {kind: 'none'}): string => {
    const room = typeof request['max_completion_tokens'] === 'number' ? 'max_completion_tokens' : 'max_tokens';
    return why === CUT_OFF ? `judge.request.${room} allows more` : words;
  };
  const reasonOf = (said: Exclude<Said, {kind: 'said'}>): string =>
    said.kind === 'none' ? `${said.why}: ${wordsOf(said)}` : said.words;

  const gradedOf = (said: Said, {mark}: JudgeQuestion): Graded => {
    if (said.kind === 'said') {
      troubles = 0;
      const value = judgementIn(said.text, mark, points);
      if (value !== undefined) return credited(value);
      return without('unparsable', 'the judge gave no verdict', `one ended with “${lastLine(said.text)}”`);
    }
    troubles += 1;
    if (troubles >= limits.troubles)
      throw new StageFailure(
        `${endpoint.called} gave no judgement ${troubles} times in a row; the last time: ${reasonOf(said)}`,
      );
    return said.kind === 'timed-out'
      ? without('timed-out', `the judge took longer than ${timeout} ms`, 'judge.timeout allows more')
      : without('unparsable', said.why, wordsOf(said));
  };

  async function gradeAll(requests: readonly GradeRequest[], signal: AbortSignal): Promise<readonly Graded[]> {
    const asked = requests.map(({prompt, given, reference}) => {
      const rubric = rubricOf(prompt, settings);
      const question = questionFor({rubric, question: prompt.question, reference, reply: given}, points);
      const body = bodyOf(question);
      return {question, body, digest: createHash('sha256').update(body).digest('base64url')};
    });
    // One that timed out is asked again in the next batch, but not in this one.
    const verdicts = new Map<string, Graded>();
    const waiting = new Map<string, (typeof asked)[number]>();
    for (const one of asked) {
      const earlier = known.get(one.digest);
      if (earlier === undefined) waiting.set(one.digest, one);
      else verdicts.set(one.digest, earlier);
    }
    const failures = await inParallel(
      [...waiting.values()],
      {concurrency, signal},
      async ({body, question, digest}, giveUp) => {
        const said = await endpoint.ask(body, {patience: limits.patience, signal: giveUp});
        const graded = gradedOf(said, question);
        verdicts.set(digest, graded);
        if (graded.outcome === 'timed-out') return;
        known.set(digest, graded);
        if (known.size > limits.known) known.delete(known.keys().next().value!);
      },
    );
    if (signal.aborted) throw new Stopped();
    if (failures.length > 0) throw failures[0];
    const graded = asked.map(({digest}) => verdicts.get(digest)!);
    answers += graded.length;
    for (const {why} of graded) if (why !== undefined) unjudged.set(why, (unjudged.get(why) ?? 0) + 1);
    return graded;
  }

  const batches = untilClosed(gradeAll);
  return {
    called: endpoint.called,
    async try() {
      const question = questionFor(TRIAL, points);
      const said = await endpoint.ask(bodyOf(question), {patience: TRIAL_PATIENCE, signal: batches.closing});
      if (said.kind !== 'said')
        throw new StageFailure(
          `${endpoint.called} was asked a question to try it, and gave no judgement: ${reasonOf(said)}`,
        );
      const value = judgementIn(said.text, question.mark, points);
      if (value === undefined)
        throw new StageFailure(
          `${model} does not judge in the form that it is asked for: the last line should be “VERDICT ${question.mark}: …” and is ` +
            `“${lastLine(said.text)}”`,
        );
      return value === 1
        ? undefined
        : `${model} gave a right answer ${value * points} of ${points} when it was tried: its verdicts may be worth little`;
    },
    grade: batches.grade,
    async close() {
      await batches.close();
      endpoint.close();
      for (const [why, count] of unjudged)
        note(`${count} of ${answers} answers were not judged and earn 0: ${why}: ${told.get(why)!}`);
      unjudged.clear();
    },
  };
}

const MOST_SHOWN = 200;
const lastLine = (text: string): string => shortened((text.trim().split('\n').at(-1) ?? '').slice(-MOST_SHOWN));
