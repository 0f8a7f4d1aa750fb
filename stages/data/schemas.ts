/**
 * What the rows of artifacts hold. Loaded by whoever reads some, and not with the stages: a recipe that is only planned would
 * wait a tenth of a second for it.
 */
import {z} from 'zod';
import {LANGUAGES} from '../text/language.js';
import {SCOPES} from './reward-scope.js';

const origin = {id: z.string(), from: z.array(z.string())};
const language = z.enum(LANGUAGES).optional();

/** Tests of a program, as tasks/code-tests.ts describes them. */
export const codeTests = z.discriminatedUnion('style', [
  z.object({style: z.literal('check'), entryPoint: z.string(), code: z.string(), prelude: z.string().optional()}),
  z.object({
    style: z.literal('calls'),
    entryPoint: z.string(),
    cases: z
      .array(
        z.object({
          args: z.array(z.json()).optional(),
          kwargs: z.record(z.string(), z.json()).optional(),
          returns: z.json(),
        }),
      )
      .min(1),
    prelude: z.string().optional(),
    tolerance: z.number().nonnegative().optional(),
  }),
  z.object({
    style: z.literal('stdin'),
    cases: z.array(z.object({input: z.string(), output: z.string()})).min(1),
    decimals: z.boolean().optional(),
  }),
]);

/** `prompts`: bare questions, as tasks/prompt.ts describes them. */
export const promptRow = z.looseObject({
  ...origin,
  task: z.string(),
  key: z.string(),
  cluster: z.string().optional(),
  language,
  question: z.string(),
  answer: z.string().optional(),
  references: z.array(z.string()).optional(),
  choices: z.array(z.string()).min(2).optional(),
  stem: z.string().optional(),
  rubric: z.string().optional(),
  solution: z.string().optional(),
  steps: z.number().optional(),
  tests: codeTests.optional(),
});

/** `dataset` of the pre-training corpus: a document is `prompt`, a space, `response`; `prompt` may be empty. */
export const documentRow = z.looseObject({...origin, prompt: z.string(), response: z.string()});

/** `dataset` for supervised fine-tuning: what was asked, bare, and the whole completion to learn. */
export const sampleRow = z.looseObject({
  ...origin,
  task: z.string().optional(),
  language,
  question: z.string(),
  response: z.string(),
});

/** `rollouts`: one sampled completion, what was asked and how it was judged. */
export const rolloutRow = z.looseObject({
  ...origin,
  question: z.string(),
  completion: z.string(),
  /** Null where a server did not count them. */
  tokens: z.number().nullable(),
  finished: z.boolean(),
});

/** `pairs`: two completions of one prompt, of which a judge preferred the first. */
export const pairRow = z.looseObject({...origin, question: z.string(), chosen: z.string(), rejected: z.string()});

/** `labels`: one completion and whether a judge calls it safe. */
export const labelRow = z.looseObject({...origin, question: z.string(), response: z.string(), safe: z.boolean()});

/** `history`: one optimizer step and whatever was measured at it. */
export const historyRow = z.looseObject({...origin, step: z.number()});

export type SampleRow = z.infer<typeof sampleRow>;
export type RolloutRow = z.infer<typeof rolloutRow>;
export type PairRow = z.infer<typeof pairRow>;
export type LabelRow = z.infer<typeof labelRow>;

/** `calibration.json` of a reward model: see `Calibration` in `rewards/preference.ts`. */
export const calibration = z.object({
  shift: z.number(),
  scale: z.number().positive(),
  scope: z.enum(SCOPES),
  specialInPrompts: z.boolean().optional(),
});
