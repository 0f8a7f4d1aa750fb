/**
 * What a suite is: which files of a benchmark are read, how it is asked, how an answer is graded, what is measured, and what the
 * paper printed. A small file says all of it (TOML, or JSON with the same fields); one of one's own is used like one that is shipped.
 */
import {z} from 'zod';
import {StageFailure} from '../../pipeline/stage.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {
  isFields,
  isList,
  plainFields,
  Unreadable,
  WrittenNumber,
  type Fields,
  type Value,
} from '../data/import/values.js';
import {TEMPLATE_NAMES} from '../text/template-names.js';
import {ROLES} from './roles.js';

/** How rows become problems: by the fields that the suite names, or by a reader of one data set's layout (`readers/`). */
export const READERS = ['fields', 'human-eval', 'if-eval', 'live-code-bench', 'codeforces'] as const;
export type ReaderName = (typeof READERS)[number];

/** What is measured, by name; measures.ts says how. */
export const MEASURES = [
  'pass@1',
  'em',
  'accuracy',
  'f1',
  'prompt-strict',
  'correct',
  'not-attempted',
  'correct-given-attempted',
  'f-score',
  'win-rate',
  'lc-win-rate',
  'problem-rating',
  'contest-rating',
  'percentile',
] as const;
export type MeasureName = (typeof MEASURES)[number];

/** Measures of a judge with three verdicts. */
export const THREEFOLD: readonly MeasureName[] = ['not-attempted', 'correct-given-attempted', 'f-score'];

/** Measures of replies beside those of a baseline. */
export const OF_PAIRS: readonly MeasureName[] = ['win-rate', 'lc-win-rate'];

/** Measures of contests; those of its standings and of players only where there are files of them. */
export const OF_CONTESTS: readonly MeasureName[] = ['problem-rating', 'contest-rating', 'percentile'];

/** Kinds of answers that a suite may grade by: built-in tasks. */
const TASKS = ['integer', 'exact', 'math', 'choice', 'drop', 'f1', 'code', 'judge', 'if-eval'] as const;
export type SuiteTask = (typeof TASKS)[number];

/** A field by its name, or by several, of which the first that a row has is read. */
const names = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).transform((one) => [one].flat());

const data = z.strictObject({
  /** What file it is, and whence. */
  from: z.string().min(1),
  /** Where more is to be read about it. */
  url: z.string().optional(),
  /** Problems that the published set has, or that the paper used. */
  problems: z.int().positive().optional(),
  reader: z.enum(READERS).default('fields'),
  id: names.optional(),
  question: names.optional(),
  answer: names.optional(),
  /** The reply of a baseline, in rows that have one; a field `generator` says who wrote it. */
  baseline: names.optional(),
  /** The field that holds the list of choices. */
  choices: names.optional(),
  /** A field for each choice, in rows without such a list. */
  choiceFields: z.array(z.string().min(1)).min(2).optional(),
  /** One field with the right choice and several with wrong ones, which are shuffled together. */
  right: z.string().min(1).optional(),
  wrong: z.array(z.string().min(1)).min(1).optional(),
  /** What an answer in the file means: `true` → A. */
  answers: z.record(z.string(), z.string()).optional(),
  /** Between several references in one field. */
  separator: z.string().min(1).optional(),
  /** Rows count only where these fields hold this. */
  only: z.record(z.string(), z.string()).default({}),
  /** Rows count only where these fields are not before the first text and before the second: dates, as `2024-08-01`. */
  between: z.record(z.string(), z.tuple([z.string(), z.string()])).default({}),
  /** Other files: what each of them is. */
  others: z.partialRecord(z.enum(ROLES), z.string().min(1)).default({}),
});

const ask = z.strictObject({
  /** With `{{question}}`, `{{choices}}`, `{{shots}}` and `{{any field of the row}}`. */
  prompt: z.string().min(1).default('{{question}}'),
  /** How a choice is shown, with `{{letter}}` and `{{text}}`. */
  choice: z.string().min(1).default('{{letter}}. {{text}}'),
  /** Solved examples that a prompt has, drawn from the file `shots`, and how one is shown. */
  shots: z.int().min(0).default(0),
  shot: z.string().min(1).default('{{question}}\n{{answer}}'),
  template: z.enum(TEMPLATE_NAMES).default('chat'),
  /** What is said around each prompt, what a response is made to begin with, and at which texts it ends: as `text/wording.ts` has them. */
  system: z.string().default(''),
  suffix: z.string().default(''),
  prefill: z.string().default(''),
  stop: z.array(z.string().min(1, 'is an empty text, which would end a response at once')).default([]),
  /** Responses to each problem. */
  samples: z.int().positive(),
  temperature: z.number().min(0).max(10).default(0.6),
  topP: z.number().gt(0).max(1).default(0.95),
  /** Tokens, the end token included. */
  maxNewTokens: z.int().positive().default(32_768),
});

const grade = z.strictObject({
  task: z.enum(TASKS),
  /** `line`: the last “Answer: …” of the reply, else as the task reads it; `task`: as the task reads it. */
  read: z.enum(['task', 'line']).default('task'),
  /** What a judge grades by, and how many points it has. */
  rubric: z.string().min(1).optional(),
  points: z.int().min(1).max(100).default(1),
  /** Whether the judge sees the reply beside that of a baseline, in both orders. */
  pairs: z.boolean().default(false),
  /**
   * Whether the judge sees the reply beside that of a baseline once, and says by the log-probabilities of one token which is better. The
   * rubric is then all that it is asked, with `{instruction}`, `{output_1}`, `{output_2}` and `{mark}`; a file `rubric` may take its place.
   */
  preference: z.boolean().default(false),
  /** SHA-256 of the prompt of the judge that was published, in UTF-8 without white space around it. */
  rubricDigest: z.string().length(64).optional(),
  /** Whose replies the paper had as its baseline. */
  baseline: z.string().min(1).optional(),
  /** The judge that the paper had. */
  judge: z.string().min(1).optional(),
});

const paper = z.strictObject({
  /** What of this suite is printed there; the first of its measures unless given. */
  metric: z.string().min(1).optional(),
  /** Where the settings come from. */
  settings: z.string().min(1),
  /** What a reader should know of the paper's number. */
  notes: z.array(z.string().min(1)).default([]),
  /** What is known to be otherwise here whatever is chosen, so that no number stands beside the paper's. */
  differs: z.array(z.string().min(1)).default([]),
  rows: z
    .array(
      z.strictObject({
        model: z.string().min(1),
        metric: z.string().min(1).optional(),
        /** As printed: per cent, or points of a rating. */
        value: z.number(),
        source: z.string().min(1),
      }),
    )
    .default([]),
});

const measure = z.strictObject({
  metrics: z.array(z.enum(MEASURES)).min(1),
  /** k of cons@k, where the paper prints it; elsewhere it is the number of samples, and ours. */
  consensus: z.int().positive().optional(),
});

const schema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/, 'is small letters, digits and “-”'),
  title: z.string().min(1),
  about: z.string().min(1).optional(),
  data,
  ask,
  grade,
  measure,
  paper: paper.optional(),
});

export type Suite = z.infer<typeof schema>;
export type PaperRow = NonNullable<Suite['paper']>['rows'][number];

/** The units of printed values: everything but a rating is per cent. */
export const isPercent = (metric: string): boolean => !metric.endsWith('rating');

/**
 * A suite from the fields of its file.
 *
 * @param name by which messages call the file
 * @throws {StageFailure} naming field and fault
 */
export function suiteOf(fields: Fields, name: string): Suite {
  const strange = strangeNumber(fields);
  if (strange !== undefined) throw new StageFailure(`${name} is no suite: ${strange}`);
  const parsed = schema.safeParse(plainFields(fields));
  if (!parsed.success) {
    // A field that nobody knows is why another one is missing, more often than not.
    const issues = parsed.error.issues;
    const issue = issues.find(({code}) => code === 'unrecognized_keys') ?? issues[0]!;
    throw new StageFailure(`${name} is no suite: ${issueText(issue)}`);
  }
  const fault = faultOf(parsed.data);
  if (fault !== undefined) throw new StageFailure(`${name} is no suite: ${fault}`);
  return parsed.data;
}

function issueText(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${where === '' ? '' : `“${where}”: `}${issue.message}`;
  const [unknown] = issue.keys as [string];
  const known = fieldsAt(issue.path);
  const list = known.length === 0 ? '' : `; there are ${known.join(', ')}`;
  return `there is no field “${[...issue.path, unknown].join('.')}”${suggestion(unknown, known)}${list}`;
}

/** The fields of the suite or of one of its tables; none where a path leads elsewhere. */
function fieldsAt([table, ...rest]: readonly PropertyKey[]): readonly string[] {
  if (table === undefined) return Object.keys(schema.shape);
  const shapes: Readonly<Record<string, z.ZodObject>> = {data, ask, grade, measure, paper};
  return rest.length > 0 ? [] : Object.keys(shapes[String(table)]?.shape ?? {});
}

/** A number that is none, or too large for one; without a word it would count as not given. */
function strangeNumber(value: Value, at: readonly string[] = []): string | undefined {
  if (value instanceof WrittenNumber)
    return Number.isFinite(Number(value.text)) ? undefined : `“${at.join('.')}” is ${value.text}, not a finite number`;
  if (value instanceof Unreadable) return `“${at.join('.')}” is ${value.why}`;
  if (!isList(value) && !isFields(value)) return undefined;
  for (const [name, one] of Object.entries(value)) {
    const strange = strangeNumber(one, [...at, name]);
    if (strange !== undefined) return strange;
  }
  return undefined;
}

/** What does not go together. */
function faultOf({data: from, ask: asked, grade: graded, measure}: Suite): string | undefined {
  if (from.reader === 'fields' && from.question === undefined) return '“data.question” names no field';
  const isChoice = graded.task === 'choice';
  const hasPair = from.right !== undefined && from.wrong !== undefined;
  if ((from.right === undefined) !== (from.wrong === undefined)) return '“data.right” and “data.wrong” go together';
  if (from.reader === 'fields' && graded.task !== 'judge' && from.answer === undefined && !hasPair)
    return '“data.answer” names no field, and there is no “data.right”';
  if (isChoice && from.reader === 'fields' && !hasPair && !(from.choices ?? from.choiceFields ?? from.answers))
    return 'the task choice wants “data.choices”, “data.choiceFields”, “data.right” with “data.wrong”, or “data.answers”';
  if (hasPair && !isChoice) return `“data.right” is for the task choice, not for ${graded.task}`;
  if (asked.shots > 0 && from.others.shots === undefined)
    return '“ask.shots” wants examples, and “data.others.shots” does not say from what file';
  if (asked.shots > 0 && !asked.prompt.includes('{{shots}}')) return '“ask.prompt” has no {{shots}} to put them';
  if (asked.system !== '' && asked.template !== 'chat')
    return `“ask.system”: the template “${asked.template}” has no system turn; leave the system text out, or set “ask.template” to chat`;
  const closing = asked.stop.find((text) => text.includes('</answer>'));
  // A stop text is left out, and answers are read between both tags.
  if (closing !== undefined && graded.read === 'task')
    return `“ask.stop”: ${JSON.stringify(closing)} cuts off the tag that closes an answer; leave it out, an end token ends the response`;
  if (graded.task === 'judge' && graded.rubric === undefined) return '“grade.rubric” is wanted by the task judge';
  if (measure.metrics.includes('f1') && !['drop', 'f1'].includes(graded.task))
    return `“measure.metrics”: f1 is of the tasks drop and f1, not of ${graded.task}`;
  if (measure.metrics.some((one) => THREEFOLD.includes(one)) && (graded.task !== 'judge' || graded.points !== 2))
    return `“measure.metrics”: ${THREEFOLD.join(', ')} are of a judge with two points: 2 correct, 1 not attempted, 0 incorrect`;
  if (measure.metrics.some((one) => OF_CONTESTS.includes(one)) && from.reader !== 'codeforces')
    return `“measure.metrics”: ${OF_CONTESTS.join(', ')} are of the reader codeforces`;
  if (graded.preference && (graded.pairs || graded.task !== 'judge' || from.baseline === undefined))
    return '“grade.preference” wants the task judge, “data.baseline”, and no “grade.pairs”';
  if (graded.pairs && (graded.task !== 'judge' || graded.points !== 4 || from.others.baseline === undefined))
    return '“grade.pairs” wants the task judge, 4 points, and “data.others.baseline”';
  const lacking = ['{instruction}', '{output_1}', '{output_2}'].find((one) => !(graded.rubric ?? '').includes(one));
  if (graded.preference && lacking !== undefined) return `“grade.rubric” has no place for ${lacking}`;
  if (graded.preference && from.reader !== 'fields') return '“grade.preference” is of the reader fields';
  if ((graded.pairs || graded.preference) !== measure.metrics.includes('win-rate'))
    return 'win-rate is of pairs and preferences, and they have it';
  if (measure.metrics.includes('lc-win-rate') && !graded.preference)
    return '“measure.metrics”: lc-win-rate is of “grade.preference”';
  return undefined;
}
