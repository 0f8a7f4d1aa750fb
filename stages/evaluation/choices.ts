/**
 * Choices by log-probability, as `multiple_choice` of EleutherAI's lm-evaluation-harness has them
 * (https://github.com/EleutherAI/lm-evaluation-harness): the model reads each choice behind the question, and the one that it finds
 * likeliest is its answer. Nothing is sampled.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {lengthBuckets} from '../train/length-buckets.js';
import {letterAt, placeOf} from '../tasks/answers/choice.js';
import type {Prompt} from '../tasks/prompt.js';
import {renderPrompt} from '../text/templates.js';
import type {Asked, TemplateName} from '../text/templates.js';
import type {Tokenizer} from '../text/tokenizer.js';
import type {Wording} from '../text/wording.js';
import type {ChoiceScores} from './choice-params.js';

/** What a model makes of the choices of a prompt. */
export interface ChoiceScore {
  /** Σ log p of the tokens of each choice, given the question and the tokens before; natural logarithm. */
  readonly logLikelihoods: readonly number[];
  /** Whether the likeliest is the right one; then the likeliest by character, and by byte of UTF-8. Of equal ones the first counts. */
  readonly right: boolean;
  readonly rightByCharacters: boolean;
  readonly rightByBytes: boolean;
}

/** Where the largest is; the first of equal ones. */
const largest = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/**
 * @param choices texts that were read behind the question
 * @param logLikelihoods of each of them
 * @param gold place of the right one
 */
export function scoreOf(choices: readonly string[], logLikelihoods: readonly number[], gold: number): ChoiceScore {
  const per = (length: (text: string) => number): boolean =>
    largest(logLikelihoods.map((value, place) => value / length(choices[place]!))) === gold;
  return {
    logLikelihoods,
    right: per(() => 1),
    rightByCharacters: per((text) => Array.from(text).length),
    rightByBytes: per((text) => Buffer.byteLength(text)),
  };
}

/** A question and what may stand behind it, as token ids. */
export interface ChoiceTokens {
  readonly tokens: readonly number[];
  /** How many of them are the question's. */
  readonly from: number;
}

/**
 * The ids of a text alone, and behind them what is left of the ids of both together; spaces at the end of the text belong to the
 * continuation (`_encode_pair` of the harness). Where a token would lie across the border, the text has its own.
 *
 * @param context what the model is asked, under its template
 * @param encode with what the tokenizer puts before every text, where the template wants it
 */
export function pairTokens(context: string, continuation: string, encode: (text: string) => number[]): ChoiceTokens {
  const before = encode(context.trimEnd());
  return {tokens: [...before, ...encode(context + continuation).slice(before.length)], from: before.length};
}

/** Positions of a native call; a row of a larger vocabulary takes more memory. */
const POSITIONS = 2_048;
/** Rows between two looks at the signal. */
const SLICE = 64;

/** The prompts whose choices can be scored. */
const withChoices = (prompts: readonly Prompt[]): Prompt[] =>
  prompts.filter(({choices, answer}) => choices !== undefined && answer !== undefined);

/**
 * Scores the choices of all prompts that have some.
 *
 * @param model its folder
 * @param options.by what stands behind what: see `ChoiceScores`
 * @param options.shots,options.system,options.suffix,options.prefill what is said around the question; choices stand behind the prefill
 * @param options.done told how many rows are through
 * @returns by the prompt's id; prompts without choices are absent
 * @throws {StageFailure} where no prompt has choices, or a question does not fit the model with one of them; the signal's reason
 */
export async function scoreChoices(
  model: string,
  prompts: readonly Prompt[],
  {
    by,
    template,
    specialInPrompts = false,
    threads,
    signal,
    done = () => undefined,
    shots = [],
    system = '',
    suffix = '',
    prefill = '',
  }: Partial<Wording> & {
    readonly by: Exclude<ChoiceScores, 'none'>;
    readonly template: TemplateName;
    readonly specialInPrompts?: boolean;
    readonly threads: number;
    readonly signal?: AbortSignal | undefined;
    readonly done?: (through: number, total: number) => void;
  },
): Promise<Map<string, ChoiceScore>> {
  const [{openEngine}, {logProbabilities}, {openModel}, {handOver}, {openTokenizer}] = await Promise.all([
    import('../engine/engine.js'),
    import('../train/programs.js'),
    import('../model/hf-folder/index.js'),
    import('../model/parameters.js'),
    import('../text/tokenizer.js'),
  ]);
  const asked = withChoices(prompts);
  if (asked.length === 0)
    throw new StageFailure(
      'no prompt has choices to score: import questions with a list of choices (columns: {choices: …}), or leave choiceScores out',
    );
  const {config, weights} = await openModel(model, signal);
  const tokenizer = await openTokenizer(model, {specialInPrompts});
  const rows = asked.flatMap((prompt) => {
    const texts = behind(prompt, by);
    const about = {by, template, tokenizer, most: config.maxPositions, wording: {shots, system, suffix, prefill}};
    return texts.map((text) => rowOf(prompt, text, about));
  });
  const longest = Math.max(...rows.map(({tokens}) => tokens.length));
  const engine = await openEngine({
    config,
    weights: handOver(weights),
    threads,
    programs: {
      score: logProbabilities({
        rows: Math.max(1, Math.floor(POSITIONS / longest)),
        lengths: lengthBuckets(
          rows.map(({tokens}) => tokens.length),
          4,
        ),
        temperature: 1,
      }),
    },
  });
  const sums: number[] = [];
  try {
    for (let at = 0; at < rows.length; at += SLICE) {
      signal?.throwIfAborted();
      const slice = rows.slice(at, at + SLICE);
      engine.run.score(slice).forEach((values, row) => {
        sums.push(values.subarray(slice[row]!.from).reduce((sum, value) => sum + value, 0));
      });
      done(Math.min(rows.length, at + SLICE), rows.length);
      await new Promise((turn) => setImmediate(turn));
    }
  } finally {
    engine.dispose();
  }
  let at = 0;
  return new Map(
    asked.map((prompt) => {
      const texts = behind(prompt, by);
      const score = scoreOf(texts, sums.slice(at, at + texts.length), placeOf(prompt.answer!));
      at += texts.length;
      return [prompt.id, score];
    }),
  );
}

/** What is read behind the question of a prompt with choices. */
const behind = ({choices}: Prompt, by: ChoiceScores): readonly string[] =>
  by === 'letter' ? choices!.map((_, place) => letterAt(place)) : choices!;

/** @throws {StageFailure} where there is nothing before the choice, or it does not fit */
function rowOf(
  {id, question, stem}: Prompt,
  text: string,
  {
    by,
    template,
    tokenizer,
    most,
    wording,
  }: {
    readonly by: ChoiceScores;
    readonly template: TemplateName;
    readonly tokenizer: Tokenizer;
    readonly most: number;
    readonly wording: Asked;
  },
): ChoiceTokens {
  const context = renderPrompt(tokenizer, template, by === 'letter' ? question : (stem ?? question), wording);
  // A chat format has opened the turn of the assistant; running text goes on with a space, as the harness's does.
  const isOpen = wording.prefill === '' ? template === 'chat' : /\s$/.test(wording.prefill);
  const space = isOpen ? '' : ' ';
  const row = pairTokens(context, space + tokenizer.asText(text), (all) =>
    tokenizer.encode(all, {addSpecial: template !== 'chat'}),
  );
  if (row.from === 0 || row.from >= row.tokens.length)
    throw new StageFailure(`prompt ${id}: the choice “${text}” has no tokens behind its question under “${template}”`);
  if (row.tokens.length > most)
    throw new StageFailure(
      `prompt ${id} has ${row.tokens.length} tokens with the choice “${text.slice(0, 60)}”, and the model takes ${most}`,
    );
  return row;
}
