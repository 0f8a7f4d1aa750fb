/** What a stage is told of its judge; light, since a recipe that is only planned loads it. */
import type {Json} from '../../pipeline/stage.js';

/** All that changes what a judge says is in the fingerprint; where it is asked, and with which key, is not. */
export type JudgeSettings = Readonly<{
  /** As the endpoint calls it. '' where nothing is to be judged. */
  model: string;
  /** What a good answer is, for prompts that do not bring a rubric of their own. */
  rubric: string;
  /** The best mark; marks are whole numbers from 0. At 1 the judge says PASS or FAIL instead. */
  points: number;
  /** Fields of each request beside model and messages, sent as they are; null leaves one out. */
  request: Readonly<Record<string, Json>>;
  /** Requests at a time. */
  concurrency: number;
  /** Milliseconds that one request may take. */
  timeout: number;
}>;

/** Greedy, with a seed for servers that draw nonetheless: as repeatable as the server lets it be. */
export const NO_JUDGE: JudgeSettings = {
  model: '',
  rubric: '',
  points: 1,
  request: {temperature: 0, seed: 0, max_tokens: 1024},
  concurrency: 8,
  timeout: 60_000,
};

/** The param of a stage: what is left out is as above, and `request` adds to what is there. */
export type JudgeParam = Readonly<Partial<JudgeSettings>>;

/** All settings of a param, with the defaults in the place of what it leaves out. */
export const settingsOf = (param: JudgeParam): JudgeSettings => ({
  ...NO_JUDGE,
  ...param,
  request: {...NO_JUDGE.request, ...param.request},
});

/** Fields that are r1's to fill in: more than one choice, or pieces of an answer, would not be read. */
const OURS = ['model', 'messages', 'stream', 'n'];
const MOST_POINTS = 100;
const LONGEST_WAIT = 3_600_000;

const isWhole = (value: unknown, from: number, to: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;

/** What is wrong with the param, each mistake a sentence. */
export function judgeMistakes(param: JudgeParam): string[] {
  const {model, rubric, points, request, concurrency, timeout} = settingsOf(param);
  const known = Object.keys(NO_JUDGE);
  // A number or a text leaves nothing to see once it is spread.
  const {request: given = {}}: {readonly request?: unknown} = param;
  const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given);
  return [
    ...Object.keys(param)
      .filter((name) => !known.includes(name))
      .map((name) => `judge.${name}: a judge has ${known.join(', ')}`),
    ...(typeof model === 'string' ? [] : ['judge.model is the name of a model']),
    ...(typeof rubric === 'string' ? [] : ['judge.rubric is a text']),
    ...(isWhole(points, 1, MOST_POINTS) ? [] : [`judge.points is a whole number from 1 to ${MOST_POINTS}`]),
    ...(isRecord ? [] : ['judge.request is a record of fields']),
    ...(isRecord ? OURS : [])
      .filter((name) => Object.hasOwn(request, name))
      .map((name) => `judge.request.${name}: this field is filled in by r1`),
    ...(isWhole(concurrency, 1, 1_024) ? [] : ['judge.concurrency is a whole number from 1 to 1024']),
    ...(isWhole(timeout, 1, LONGEST_WAIT) ? [] : [`judge.timeout is milliseconds, from 1 to ${LONGEST_WAIT}`]),
  ];
}

/**
 * What a plan says of a stage that may ask a judge: what is sent away, and how often.
 *
 * @param answers how many answers there may be to judge, in words
 */
export const judgeCautions = (param: JudgeParam, answers: string): string[] =>
  (param.model ?? '') === ''
    ? []
    : [
        `for prompts of the task judge, questions, references, rubrics and answers are sent to the model ${param.model!} at ` +
          `the address in R1_JUDGE_URL: one request for each answer that differs, of ${answers}, and more where one has to be repeated`,
      ];
