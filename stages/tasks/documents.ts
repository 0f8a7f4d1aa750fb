/**
 * Documents for pre-training: raw text in which the dials task and the general scenarios occur as they might on the web,
 * well done and badly done. A base model that has read them sometimes reasons, sometimes blurts out an answer, sometimes
 * keeps to the tags, makes slips and mixes its languages, most of all in Chinese; which is what the recipe then works on.
 * All shares stand in one place and are counted again in the card.
 */
import {described, isWithin, valuesOf} from '../../pipeline/params.js';
import type {Form, Json} from '../../pipeline/params.js';
import {COUNT, SHARE, ZERO_OR_MORE} from '../common-params.js';
import {random, type Random} from '../random.js';
import type {BuiltInLanguage} from '../text/language.js';
import type {TemplateName} from '../text/templates.js';
import {plainPrompt} from '../text/templates.js';
import {dialsAnswer, dialsQuestion, drawDials, turn, writeStep, type DialsProblem, type Step} from './dials.js';
import {generalOf, goodResponse, poorResponse, writeResponse} from './general.js';
import type {BuiltInTask} from './names.js';
import {generalPrompts} from './prompt-sets.js';
import {weighted} from './weighted.js';

/** How a dials document answers: at once, step by step, with second thoughts, with steps left out, or without tags. */
export type Style = 'direct' | 'step' | 'wait' | 'skip' | 'bare';

/** Where a document comes from: running text without a question, or a question in one of the templates. */
export type Source = 'plain' | 'zero' | 'chat' | 'general';

const SOURCES: readonly Source[] = ['plain', 'zero', 'chat', 'general'];
const STYLES: readonly Style[] = ['direct', 'step', 'wait', 'skip', 'bare'];

/** Numbers by name, of which something is drawn in proportion. */
const weightsOf = (names: readonly string[]): Form => ({
  should: `numbers, 0 or more and not all 0, for ${names.join(', ')}`,
  isRight: (value) => {
    const weights = Object.entries(Object(value) as Readonly<Record<string, unknown>>);
    return (
      weights.length === names.length &&
      weights.every(([name, weight]) => names.includes(name) && typeof weight === 'number' && weight >= 0) &&
      weights.some(([, weight]) => weight !== 0)
    );
  },
});

/** The frozen shares of the built-in corpus, as params. */
export const CORPUS_SHARES = {
  sources: described<Readonly<Record<Source, number>>>(
    {plain: 0.34, zero: 0.46, chat: 0.05, general: 0.15},
    'Shares of documents by source: running text without a question, a question in the template tiny-zero or chat, or a general scenario; those are spread over the templates as the rest is.',
    weightsOf(SOURCES),
  ),
  styles: described<Readonly<Record<Style, number>>>(
    {direct: 0.45, step: 0.2, wait: 0.1, skip: 0.12, bare: 0.13},
    'Shares of dials documents by how they answer: at once, step by step, with second thoughts, with steps left out, or without tags.',
    weightsOf(STYLES),
  ),
  steps: described<readonly number[]>(
    [1, 1, 1, 2, 2, 3, 3, 4, 5],
    'Numbers of turns of a dials problem, repeated as often as they weigh.',
    {
      should: 'a list of whole numbers, 1 or more',
      isRight: (list) =>
        Array.isArray(list) && list.length > 0 && list.every((turns) => isWithin(COUNT, turns as Json)),
    },
  ),
  chinese: described(0.4, 'Share of dials documents and of general documents that are in Chinese.', SHARE),
  noise: described(0.12, 'Chance of a wrong digit in an English line.', SHARE),
  chineseNoise: described(2.5, 'How many times as likely a wrong digit is in a Chinese line.', ZERO_OR_MORE),
  plainNoise: described(
    0.03,
    'Chance of a wrong digit in an English line of running text, which was written with more care.',
    SHARE,
  ),
  mixing: described(0.3, 'Chance that a line is in a language drawn anew.', SHARE),
  englishBias: described(0.8, 'Chance that such a line is in English.', SHARE),
  directError: described(0.1, 'Chance that a direct answer is two random digits.', SHARE),
  skipping: described(0.4, 'Chance that a document of the style skip leaves a step out.', SHARE),
  noticing: described(0.7, 'Chance that a document of the style wait notices its slip.', SHARE),
  generalGood: described(0.6, 'Share of good responses among general documents.', SHARE),
  generalTagged: described(0.5, 'Share of general documents that keep to the tags.', SHARE),
  maxWords: described(
    95,
    'Words of a document up to which it gets second thoughts; what its problem takes by itself may be more.',
    COUNT,
  ),
};

/** Their values. */
export const CORPUS = valuesOf(CORPUS_SHARES);
export type CorpusShares = Readonly<typeof CORPUS>;

/** A document of the corpus. Its text is the prompt, if any, a space, and the response; the end token comes after. */
export interface CorpusDocument {
  readonly id: string;
  readonly from: readonly string[];
  readonly task: BuiltInTask;
  /** The problem's split key, always on the training side. */
  readonly key: string;
  readonly language: BuiltInLanguage;
  readonly source: Source;
  readonly style: Style | 'good' | 'poor';
  readonly prompt: string;
  readonly response: string;
}

/** Documents number 0 … count − 1 of a seed. Each depends on its own number only. */
export function* corpus(
  options: Partial<CorpusShares> & {readonly seed: number; readonly count: number},
): Generator<CorpusDocument> {
  const {seed, count, ...changed} = options;
  const shares = {...CORPUS, ...changed};
  for (let index = 0; index < count; index++) {
    const draws = random(seed, 'corpus', index);
    // Draws go through the shares in this order, whatever order they were given in.
    const {plain, zero, chat, general} = shares.sources;
    const source = weighted(draws, {plain, zero, chat, general});
    yield source === 'general'
      ? generalDocument({seed, index, shares, draws})
      : dialsDocument({seed, index, shares, draws, source});
  }
}

interface Place {
  readonly seed: number;
  readonly index: number;
  readonly shares: CorpusShares;
  readonly draws: Random;
}

function dialsDocument({
  seed,
  index,
  shares,
  draws,
  source,
}: Place & {source: Exclude<Source, 'general'>}): CorpusDocument {
  const {steps, chinese} = shares;
  const problem = drawDials({seed, purpose: 'corpus', index, split: 'train', steps, chinese});
  const {direct, step, wait, skip, bare} = shares.styles;
  const style = source === 'plain' ? 'bare' : weighted(draws, {direct, step, wait, skip, bare});
  const prompt = source === 'plain' ? '' : plainPrompt(templateOf(source), dialsQuestion(problem));
  const room = shares.maxWords - countWords(prompt);
  const noise = source === 'plain' ? shares.plainNoise : shares.noise;
  const response = dialsResponse(problem, {style, noise, room, shares, draws});
  const {key, language} = problem;
  return {id: `corpus:${index}`, from: [], task: 'dials', key, language, source, style, prompt, response};
}

/** What a more or less careful writer makes of the problem. */
function dialsResponse(
  problem: DialsProblem,
  {style, noise, room, shares, draws}: {style: Style; noise: number; room: number; shares: CorpusShares; draws: Random},
): string {
  if (style === 'direct') {
    const guess = draws.uniform() < shares.directError;
    return `<answer> ${guess ? `${draws.int(10)} ${draws.int(10)}` : dialsAnswer(problem)} </answer>`;
  }
  const now: [number, number] = [...problem.start];
  const lines: string[] = [];
  // A second thought takes nine words; there is one only where the whole document stays within the limit.
  let spare = room - (problem.moves.length * STEP_WORDS + ENVELOPE_WORDS);
  for (const {dial, by} of problem.moves) {
    const language = lineLanguage(problem.language, shares, draws);
    const slip = draws.uniform() < noise * (language === 'zh' ? shares.chineseNoise : 1);
    const right = turn(now[dial], by);
    let to = slip ? draws.int(10) : right;
    const step: Step = {dial, from: now[dial], by, to};
    if (style === 'skip' && draws.uniform() < shares.skipping) {
      now[dial] = to;
      continue;
    }
    lines.push(writeStep(step, language));
    if (style === 'wait' && to !== right && spare >= WAIT_WORDS && draws.uniform() < shares.noticing) {
      lines.push(writeStep({...step, to: right, wait: true}, language));
      spare -= WAIT_WORDS;
      to = right;
    }
    now[dial] = to;
  }
  if (style === 'bare') return lines.join(' ');
  return writeResponse({thinking: lines.join(' '), answer: now.join(' ')});
}

const STEP_WORDS = 7;
const WAIT_WORDS = STEP_WORDS + 2;
/** Two pairs of tags and two digits. */
const ENVELOPE_WORDS = 6;

function lineLanguage(own: BuiltInLanguage, {mixing, englishBias}: CorpusShares, draws: Random): BuiltInLanguage {
  if (draws.uniform() >= mixing) return own;
  return draws.uniform() < englishBias ? 'en' : 'zh';
}

function generalDocument({seed, index, shares, draws}: Place): CorpusDocument {
  const [prompt] = generalPrompts({
    seed,
    split: 'train',
    count: 1,
    chinese: shares.chinese,
    purpose: `corpus:${index}`,
  });
  if (prompt === undefined) throw new Error('Internal error: asked for one prompt, got none');
  const {scenario, language} = generalOf(prompt);
  const {plain, zero, chat} = shares.sources;
  const template = weighted(draws, {none: plain, 'tiny-zero': zero, chat} satisfies Partial<
    Record<TemplateName, number>
  >);
  const good = draws.uniform() < shares.generalGood;
  const response = good ? goodResponse(scenario, language) : poorResponse(scenario, language, draws);
  const tagged = template !== 'none' && draws.uniform() < shares.generalTagged;
  return {
    id: `corpus:${index}`,
    from: [],
    task: 'general',
    key: prompt.key,
    language,
    source: 'general',
    style: good ? 'good' : 'poor',
    prompt: plainPrompt(template, prompt.question),
    response: tagged ? writeResponse(response) : response.answer,
  };
}

const templateOf = (source: 'zero' | 'chat'): TemplateName => (source === 'zero' ? 'tiny-zero' : 'chat');
const countWords = (text: string): number => (text === '' ? 0 : text.split(' ').length);

/** What the corpus turned out to hold, for the data card: documents by source, style, language and task, and words. */
export interface CorpusCard {
  readonly documents: number;
  readonly words: number;
  readonly problems: number;
  readonly sources: Readonly<Record<string, number>>;
  readonly styles: Readonly<Record<string, number>>;
  readonly languages: Readonly<Record<string, number>>;
  readonly tasks: Readonly<Record<string, number>>;
}

export function corpusCard(documents: Iterable<CorpusDocument>): CorpusCard {
  const counts = {sources: tally(), styles: tally(), languages: tally(), tasks: tally()};
  const keys = new Set<string>();
  let [count, words] = [0, 0];
  for (const {source, style, language, task, key, prompt, response} of documents) {
    count += 1;
    words += countWords(prompt) + countWords(response);
    keys.add(key);
    counts.sources.add(source);
    counts.styles.add(style);
    counts.languages.add(language);
    counts.tasks.add(task);
  }
  const {sources, styles, languages, tasks} = counts;
  return {
    documents: count,
    words,
    problems: keys.size,
    sources: sources.counts,
    styles: styles.counts,
    languages: languages.counts,
    tasks: tasks.counts,
  };
}

function tally(): {readonly counts: Record<string, number>; add(name: string): void} {
  const counts: Record<string, number> = {};
  return {
    counts,
    add: (name) => {
      counts[name] = (counts[name] ?? 0) + 1;
    },
  };
}
