/**
 * What a row says of the completions in it, whichever stage wrote it: rollouts, scores, pairs, labels, supervised rows, prompts. A row
 * is told by its fields and not by the kind of its artifact, so that rows of one's own stages are read as well. What a row does not
 * say is absent and never made up.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {OUTCOMES} from '../graders/verdict.js';
import type {Outcome} from '../graders/verdict.js';
import {fieldsOf} from './fields.js';
import type {Fields} from './fields.js';
import {placeText} from './lines.js';
import type {Place} from './lines.js';

/** A verdict on an answer. */
export type Judged = Exclude<Outcome, 'left-out'>;

/** One reward that a completion was given. */
export interface RewardPart {
  readonly name: string;
  readonly value: number;
  /** What it is multiplied by in the sum; absent where it does not count, or nobody knows. */
  readonly weight?: number;
  readonly outcome?: Judged;
  readonly why?: string;
}

/** A completion as it was stored. */
export interface StoredSample {
  /** Of its row, or `line 12` where the row has none. */
  readonly id: string;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Which completion of its prompt, from 0. */
  readonly sample?: number;
  readonly text: string;
  /** The end token included. */
  readonly tokens?: number;
  /** False where it was cut off. */
  readonly finished?: boolean;
  /** Of its answer. */
  readonly outcome?: Judged;
  readonly why?: string;
  /** As it was read from the completion. */
  readonly answer?: string;
  /** Weighted sum of the rewards. */
  readonly reward?: number;
  readonly rewards?: readonly RewardPart[];
  /** Relative to its group, where the whole group is there: `advantages.ts`. */
  readonly advantage?: number;
  /** Whether what was drawn is in the dataset, `kept`, or why not. */
  readonly fate?: string;
  /** In a pair. */
  readonly role?: 'preferred' | 'rejected';
  readonly helpful?: boolean;
  readonly safe?: boolean;
  /** Exactly in the format. */
  readonly wellFormed?: boolean;
  /** Share of the thinking that is in the language of the question. */
  readonly consistency?: number;
  /** Reflective words, where the row counts them. */
  readonly reflective?: number;
  /** What else a supervised row says. */
  readonly notes?: Readonly<Record<string, string | number | boolean>>;
}

/** What a row, or the row of its prompt, says of what was asked. */
export interface Asked {
  readonly question?: string;
  /** What the answer is compared with; several where others are as good. */
  readonly references?: readonly string[];
  readonly task?: string;
  readonly language?: string;
  /** Steps that a worked solution takes: the level of the problem. */
  readonly steps?: number;
}

/** A row: what was asked, and what was answered. */
export interface StoredRow extends Asked {
  readonly id: string;
  /** Id of the prompt, as far as the row tells. */
  readonly prompt: string;
  /** The same for all languages and phrasings of a problem. */
  readonly key?: string;
  /** Updates of the policy before it was sampled. */
  readonly step?: number;
  /** None in the row of a prompt, two in that of a pair. */
  readonly samples: readonly StoredSample[];
}

/** How rows of one artifact are read. */
export interface ReadOptions {
  /** Weights of the rewards by name, where the stage has some. */
  readonly weights?: Readonly<Record<string, number>> | undefined;
  /** Whether each reason to drop a completion, but for those that say so, was found after its answer had been right. */
  readonly isAnswerFirst?: boolean;
}

/**
 * @throws {StageFailure} with artifact, file and line, where a field is not what it should be or the row holds no text
 */
export function readStoredRow(row: unknown, place: Place, options: ReadOptions = {}): StoredRow {
  const fields = fieldsOf(row, place);
  const id = idOf(fields) ?? `line ${place.line}`;
  const [first, second] = fromOf(fields);
  const at = {id, file: place.file, line: place.line};
  const about = {id, ...given({key: fields.text('key'), step: fields.number('step')}), ...askedIn(fields)};
  const numbered = {...at, ...given({sample: fields.number('sample') ?? numberOf(id)})};

  const completion = fields.text('completion');
  if (completion !== undefined) {
    const prompt = first ?? promptOf(id);
    return {...about, prompt, samples: [{...numbered, ...rolloutIn(fields, completion, options)}]};
  }
  // Rows that were made of completions, whose ids begin with that of the prompt.
  const source = promptOf(first ?? id);
  const [chosen, rejected] = [fields.text('chosen'), fields.text('rejected')];
  if (chosen !== undefined && rejected !== undefined) {
    const samples: StoredSample[] = [
      {...at, ...given({sample: numberOf(first)}), text: chosen, role: 'preferred'},
      {...at, ...given({sample: numberOf(second)}), text: rejected, role: 'rejected'},
    ];
    return {...about, prompt: source, samples};
  }
  const response = fields.text('response');
  if (response !== undefined) {
    const more = given({sample: numberOf(first), safe: fields.flag('safe'), notes: notesIn(fields)});
    const question = about.question ?? fields.text('prompt');
    return {...about, ...given({question}), prompt: source, samples: [{...at, ...more, text: response}]};
  }
  const text = fields.text('text');
  if (text !== undefined) {
    const prompt = fields.text('prompt') ?? first ?? promptOf(id);
    return {...about, prompt, samples: [{...numbered, ...scoreIn(fields, text)}]};
  }
  // A prompt stands for itself, whatever it was made of.
  if (about.question !== undefined) return {...about, prompt: id, samples: []};
  throw new StageFailure(
    `${placeText(place)}: no text that a model was asked or wrote (question, completion, text, response, or chosen and rejected); ` +
      `it has ${fields.names.join(', ') || 'no fields'}`,
  );
}

/** What the row of a prompt says of it. */
export function askedIn(fields: Fields): Asked {
  const answer = fields.text('answer');
  const question = fields.text('question');
  // Of a response that was scored, `answer` is what it says, and the question is elsewhere.
  const reference = question === undefined || answer === undefined || answer === '' ? [] : [answer];
  const references = [...reference, ...(fields.texts('references') ?? []).filter((other) => other !== answer)];
  return given({
    question,
    references: references.length === 0 ? undefined : references,
    task: fields.text('task'),
    language: fields.text('language'),
    steps: fields.number('steps'),
  });
}

/** Of what `grpo` and the stages that sift keep. */
function rolloutIn(
  fields: Fields,
  text: string,
  {weights, isAnswerFirst = false}: ReadOptions,
): Partial<StoredSample> & {text: string} {
  const common = given({
    tokens: fields.number('tokens'),
    finished: fields.flag('finished'),
    reward: fields.number('reward'),
  });
  const verdicts = fields.fields('verdicts');
  if (verdicts === undefined) {
    const fate = fields.text('verdict');
    const outcome = fate === undefined ? undefined : outcomeOf(fate, common.finished !== false && isAnswerFirst);
    return {text, ...common, ...given({fate, outcome})};
  }
  const parts = verdicts.names.flatMap((name): RewardPart[] => {
    const verdict = verdicts.fields(name);
    const outcome = judgedAs(verdict?.text('outcome'));
    const value = verdict?.number('value');
    if (value === undefined || outcome === undefined) return [];
    return [{name, value, ...given({weight: weights?.[name], outcome, why: verdict?.text('why')})}];
  });
  const preference = fields.fields('preference');
  const preferred = (preference?.names ?? []).flatMap((name): RewardPart[] => {
    const value = preference?.number(name);
    return value === undefined ? [] : [{name, value, ...given({weight: weights?.[name]})}];
  });
  const accuracy = parts.find(({name}) => name === 'accuracy');
  return {
    text,
    ...common,
    ...given({outcome: accuracy?.outcome, why: accuracy?.why}),
    rewards: [...parts, ...preferred],
  };
}

/** Of a response that was scored. */
function scoreIn(fields: Fields, text: string): Partial<StoredSample> & {text: string} {
  const truncated = fields.flag('truncated');
  const strict = judgedAs(fields.text('strict'));
  const outcome = judgedAs(fields.text('outcome'));
  return {
    text,
    ...given({
      tokens: fields.number('tokens'),
      finished: truncated === undefined ? undefined : !truncated,
      outcome,
      why: fields.text('why'),
      answer: fields.text('answer'),
      helpful: fields.flag('helpful'),
      safe: fields.flag('safe'),
      wellFormed: fields.flag('wellFormed'),
      consistency: fields.number('consistency'),
      reflective: fields.number('reflective'),
      notes: strict === undefined || strict === outcome ? undefined : {'read by tags alone': strict},
    }),
  };
}

const STANDARD = new Set([
  'id',
  'from',
  'task',
  'language',
  'question',
  'prompt',
  'response',
  'safe',
  'key',
  'steps',
  'answer',
]);
/** A value that is longer than this is no word about the row. */
const SHORT = 60;

function notesIn(fields: Fields): StoredSample['notes'] {
  const notes = fields.names.flatMap((name): [string, string | number | boolean][] => {
    const value = fields.value(name);
    if (STANDARD.has(name) || (typeof value === 'string' && value.length > SHORT)) return [];
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, value]] : [];
  });
  return notes.length === 0 ? undefined : Object.fromEntries(notes);
}

const judgedAs = (text: string | undefined): Judged | undefined =>
  text !== 'left-out' && (OUTCOMES as readonly (string | undefined)[]).includes(text) ? (text as Judged) : undefined;

/** What `rejection-sampling` and `cold-start-data` say of an answer: `answer wrong`, or another fault that was looked for after it. */
function outcomeOf(fate: string, isRightElse: boolean): Judged | undefined {
  const [, said] = /^answer (.+)$/.exec(fate) ?? [];
  return judgedAs(said) ?? (isRightElse ? 'right' : undefined);
}

function idOf(fields: Fields): string | undefined {
  const id = fields.value('id');
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

function fromOf(fields: Fields): readonly string[] {
  const from = fields.value('from');
  if (!Array.isArray(from)) return [];
  return from.filter((id) => typeof id === 'string' || typeof id === 'number').map(String);
}

/** The prompt of a completion with this id. */
export const promptOf = (id: string): string => id.replace(/#\d+$/, '');

function numberOf(id: string | undefined): number | undefined {
  const [, number] = /#(\d+)$/.exec(id ?? '') ?? [];
  return number === undefined ? undefined : Number(number);
}

/** The same without what is undefined. A loop, as it is called several times for each row of what may be millions. */
function given<T extends object>(fields: T): {[Name in keyof T]?: Exclude<T[Name], undefined>} {
  const known: {[Name in keyof T]?: T[Name]} = {};
  for (const name in fields) if (fields[name] !== undefined) known[name] = fields[name];
  return known as {[Name in keyof T]?: Exclude<T[Name], undefined>};
}
