/** The verdict on one sampled response, from which all scores are counted. */
import {ownFormat, type Outcome, type Scored} from '../rewards/index.js';
import {builtInTasks} from '../tasks/built-in.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Task} from '../tasks/task.js';
import type {ChoiceScore} from './choices.js';
import type {Completion} from '../text/completion.js';
import {reflectiveWords, type Language} from '../text/language.js';

export interface Sample {
  /** The prompt's id. */
  readonly prompt: string;
  /** The problem: what intervals draw. */
  readonly key: string;
  /** The prompt's: problems that are alike, which intervals draw together. */
  readonly cluster?: string | undefined;
  readonly task: string;
  /** Whether the task asks for reasoning, where it is not a built-in one, of which that is known. */
  readonly reasoning?: boolean | undefined;
  readonly language: Language | null;
  readonly steps: number | null;
  /** Which sample of its prompt, from 0. */
  readonly sample: number;
  /** Of the answer; `left-out` for general prompts. */
  readonly outcome: Outcome;
  /** Of the same response where answers are read from `<answer>` tags alone, if the other reading is a more lenient one. */
  readonly strict?: Outcome | undefined;
  /** A few words on the outcome, where a grader has some. */
  readonly why?: string | undefined;
  /** What the answer is worth, in [0, 1], where its task is one of one's own or gives parts of the credit. */
  readonly value?: number | undefined;
  /** What the model makes of the choices of the prompt, on its first sample, where that was asked for. */
  readonly choices?: ChoiceScore;
  /** The answer in the form that votes are counted by; null when there is none. */
  readonly answer: string | null;
  /** Exactly in the format, and the tags closed by the model itself. */
  readonly wellFormed: boolean;
  /** Language consistency of the thinking; null where it is left out. */
  readonly consistency: number | null;
  /** Whether the thinking has no word whose language could be judged, where it is judged; absent from rows of older versions. */
  readonly wordless?: boolean | null | undefined;
  /** Sampled tokens, the end token included; of a model at an endpoint as the server counts, null where it does not. */
  readonly tokens: number | null;
  /** So many of them are thinking, its tags included; absent of a model at an endpoint, and from rows of older versions. */
  readonly thinking?: number | undefined;
  readonly truncated: boolean;
  readonly helpful: boolean | null;
  readonly safe: boolean | null;
  /** Reflective words in the thinking. */
  readonly reflective: number;
  readonly text: string;
}

export function judgeSample(
  prompt: Prompt,
  completion: Completion,
  {
    sample,
    tokens,
    thinking,
    task,
    scored: {verdicts, answer},
    strict,
    choices,
  }: {
    readonly sample: number;
    readonly tokens: number | null;
    /** So many of them are thinking, where that is known. */
    readonly thinking?: number | undefined;
    /** The prompt's. */
    readonly task: Task;
    /** What the rewards say. */
    readonly scored: Scored;
    /** What they say where answers are read strictly, if that is another reading. */
    readonly strict?: Scored | undefined;
    /** Of the prompt's choices by log-probability, where they were scored. */
    readonly choices?: ChoiceScore | undefined;
  },
): Sample {
  const {accuracy, language} = verdicts;
  const {rubric} = task;
  const {answer: kind} = task;
  const isByDegrees = !builtInTasks.has(prompt.task) || kind?.grade !== undefined || kind?.external === 'judge';
  return {
    prompt: prompt.id,
    key: prompt.key,
    ...(prompt.cluster === undefined ? {} : {cluster: prompt.cluster}),
    task: prompt.task,
    ...(builtInTasks.has(prompt.task) ? {} : {reasoning: task.reasoning}),
    language: prompt.language ?? null,
    steps: prompt.steps ?? null,
    sample,
    outcome: accuracy.outcome,
    ...(strict === undefined ? {} : {strict: strict.verdicts.accuracy.outcome}),
    ...(accuracy.why === undefined ? {} : {why: accuracy.why}),
    ...(isByDegrees && accuracy.outcome !== 'left-out' ? {value: accuracy.value} : {}),
    ...(choices === undefined || sample > 0 ? {} : {choices}),
    answer: answer,
    wellFormed: ownFormat(completion, task) === 1,
    consistency: language.outcome === 'left-out' ? null : language.value,
    wordless: language.outcome === 'left-out' ? null : language.wordless === true,
    tokens,
    ...(thinking === undefined ? {} : {thinking}),
    truncated: !completion.finished,
    helpful: rubric?.helpful(prompt, completion.text) ?? null,
    safe: rubric?.safe(prompt, completion.text) ?? null,
    reflective: reflectiveWords(completion.thinking ?? ''),
    text: completion.text,
  };
}

/** Whether a sample counts for the metrics of reasoning. */
export const isReasoning = ({task, reasoning}: Pick<Sample, 'task' | 'reasoning'>): boolean =>
  reasoning ?? builtInTasks.get(task)?.reasoning ?? true;
