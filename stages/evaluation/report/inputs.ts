/** What a report is made of, and how the artifacts that hold it are read. */
import {z} from 'zod';

import {OUTCOMES} from '../../graders/verdict.js';
import {LANGUAGES} from '../../text/language.js';
import type {EarlySummary} from '../early-answers.js';
import type {Score} from '../scores.js';
import type {Sample} from '../sample.js';
import type {FollowedTraining} from './followed.js';

/** What scores of a benchmark say beside the numbers: which it is, how it was asked, and what the paper printed of it. */
export const suiteCard = z.object({
  name: z.string(),
  title: z.string(),
  /** Problems and samples of each, temperature and so on, as they came about. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])),
  /** The paper's numbers, as shares; of ratings as points. */
  paper: z.array(z.object({model: z.string(), metric: z.string(), value: z.number(), source: z.string()})),
  /** Why they were not measured in this way; empty where they were. */
  differs: z.array(z.string()),
  notes: z.array(z.string()),
});

export type SuiteCard = z.infer<typeof suiteCard>;

/** Bounds as JSON has them, which knows no infinity: null where there is none. */
export const bounds = {
  low: z
    .number()
    .nullable()
    .transform((value) => value ?? -Infinity),
  high: z
    .number()
    .nullable()
    .transform((value) => value ?? Infinity),
};

/** Which model was asked, and how; a part of every file that is about its responses. */
export const askedModel = {
  /** sha256 of the weight file, as model hubs show it; the name of a model at an endpoint. */
  model: z.string(),
  template: z.string(),
  /** How it was asked and read; what is absent was as by default. */
  prefill: z.string().optional(),
  shots: z.array(z.object({question: z.string(), response: z.string()})).optional(),
  system: z.string().optional(),
  suffix: z.string().optional(),
  stop: z.array(z.string()).optional(),
  extraction: z.string().optional(),
  temperature: z.number(),
  topP: z.number(),
};

/** `scores.json` of an evaluation, without the samples, which lie in `rows.jsonl` beside it. */
export const scoresFile = z.object({
  format: z.literal('r1-scores-1'),
  ...askedModel,
  k: z.int().min(1),
  scores: z.array(
    z.object({
      metric: z.string(),
      mean: z.number(),
      ...bounds,
      problems: z.number(),
      samples: z.number(),
    }),
  ),
  /** Where it is a benchmark's. */
  suite: suiteCard.optional(),
});

export type ScoresFile = z.infer<typeof scoresFile>;

/** A row of an evaluation's `rows.jsonl`. */
export const sampleRow = z.object({
  prompt: z.string(),
  key: z.string(),
  cluster: z.string().optional(),
  task: z.string(),
  reasoning: z.boolean().optional(),
  language: z.enum(LANGUAGES).nullable(),
  steps: z.number().nullable(),
  sample: z.number(),
  outcome: z.enum(OUTCOMES),
  strict: z.enum(OUTCOMES).optional(),
  value: z.number().optional(),
  answer: z.string().nullable(),
  wellFormed: z.boolean(),
  consistency: z.number().nullable(),
  wordless: z.boolean().nullable().optional(),
  tokens: z.number().nullable(),
  thinking: z.number().optional(),
  truncated: z.boolean(),
  helpful: z.boolean().nullable(),
  safe: z.boolean().nullable(),
  reflective: z.number(),
  text: z.string(),
}) satisfies z.ZodType<Sample>;

/** One model as it was evaluated. */
export interface Evaluated extends Omit<ScoresFile, 'format' | 'scores'> {
  readonly scores: readonly Score[];
  readonly samples: readonly Sample[];
}

/** The curve of a training stage: a row a step, and what the whole of it took. */
export interface History {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly card: Readonly<Record<string, unknown>>;
}

export interface ReportInputs {
  /** By the name that claims know a model by, which is its node. */
  readonly evaluations: Readonly<Record<string, Evaluated>>;
  readonly histories: Readonly<Record<string, History>>;
  /** Data cards by node. */
  readonly cards: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What models answer behind forced thinking, by the name of their scores. */
  readonly earlyAnswers?: Readonly<Record<string, EarlySummary>>;
  /** Models among the evaluations, asked otherwise; by any name. */
  readonly promptings?: Readonly<Record<string, Evaluated>>;
  /** Sentences of the recipe about its own numbers, for the end of the report. */
  readonly remarks?: readonly string[];
  /** What the paper calls the models, by name. */
  readonly paperNames?: Readonly<Record<string, string>>;
  /** Trainings whose models of fixed steps are among the evaluations. */
  readonly followed?: readonly FollowedTraining[];
}
