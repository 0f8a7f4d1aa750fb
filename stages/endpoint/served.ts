/** Completions that a server gave, as the stages that sample see them. */
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import type {Answer} from './answer.js';
import type {RequestFields} from './params.js';

/** How an answer came about, for the row that it is kept in. */
export interface ServedBy extends Omit<Answer, 'text'> {
  /** The fields of the request beside model and messages: temperature, seed … */
  readonly asked: RequestFields;
}

/** One completion by a server. Its tokens are the server's, by its own tokenizer, and their ids are not known. */
export interface Served {
  readonly prompt: Prompt;
  /** Which sample of its prompt, from 0. */
  readonly sample: number;
  /** False where a limit on its length or a filter ended it, and where there is none. */
  readonly finished: boolean;
  readonly completion: Completion;
  readonly served: ServedBy;
}

/** What was counted over many answers. */
export interface Usage {
  /** As the endpoint is asked for it. */
  readonly model: string;
  /** What the server calls the models that answered → answers; '' where it did not say. */
  readonly answeredBy: Readonly<Record<string, number>>;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Answers whose tokens the server did not count. */
  readonly uncounted: number;
  /** Why answers ended → how many. */
  readonly finish: Readonly<Record<string, number>>;
}

const counts = (words: readonly string[]): Record<string, number> => {
  const found = new Map<string, number>();
  for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** @param model as the endpoint was asked for it */
export function usageOf(answers: readonly Served[], model: string): Usage {
  const all = answers.map(({served}) => served);
  return {
    model,
    answeredBy: counts(all.filter(({finish}) => finish !== 'refused').map(({model: by = ''}) => by)),
    promptTokens: all.reduce((sum, {promptTokens = 0}) => sum + promptTokens, 0),
    completionTokens: all.reduce((sum, {tokens = 0}) => sum + tokens, 0),
    uncounted: all.filter(({tokens}) => tokens === undefined).length,
    finish: counts(all.map(({finish}) => finish)),
  };
}
