/** One question that several models were asked, with a response of each: what a run has changed, seen in one example. */
import type {Store} from '../../artifacts/index.js';
import type {Evaluated} from '../../stages/evaluation/report/index.js';
import type {FoundEvaluation} from './evaluations.js';
import {readEvaluationOf} from './evaluations.js';
import {promptOf, responseTo} from './question.js';
import type {Response} from './question.js';

/** What one of the models wrote. */
export interface Reply extends Response {
  readonly name: string;
  readonly paper?: string | undefined;
  /** Whether the question has an answer to check. */
  readonly isGraded: boolean;
}

/** One question with the replies of all. */
export interface TellingQuestion {
  readonly prompt: string;
  /** Undefined where the prompts are no longer in the store. */
  readonly question: string | undefined;
  readonly answer: string | undefined;
  /** Questions that all of the models were asked, from which this one was taken. */
  readonly of: number;
  /** Whether all of the others solve it more often than the first of the models does; where they do, by most. */
  readonly isGain: boolean;
  readonly replies: readonly Reply[];
}

/** Bytes of responses that are read for it; who has more is told how to read them. */
const MOST_BYTES = 64e6;

/**
 * The question on which the worst of the others is better than the first model by most; of equally telling ones an English one, then one
 * that takes more steps, then the first by its id. The first model is shown wrong there, the others right.
 *
 * @param models the one that the others are held against first
 * @returns `undefined` where they were asked nothing alike, or there is too much to read
 * @throws UserError, StageFailure where responses cannot be read
 */
export async function tellingQuestion(
  store: Store,
  models: readonly FoundEvaluation[],
): Promise<TellingQuestion | undefined> {
  const bytes = models.map(
    ({artifact}) => store.artifact(artifact)?.files.find(({path}) => path === 'rows.jsonl')?.bytes ?? 0,
  );
  if (models.length === 0 || bytes.reduce((sum, own) => sum + own, 0) > MOST_BYTES) return undefined;
  const evaluated: Evaluated[] = [];
  for (const one of models) evaluated.push(await readEvaluationOf(store, one));
  const [first, ...others] = evaluated.map(askedIn) as [Asked, ...Asked[]];
  const shared = [...first].flatMap(([prompt, own]): Candidate[] => {
    const all = [own, ...others.flatMap((asked) => asked.get(prompt) ?? [])];
    return all.length < models.length ? [] : [{prompt, ...own, gain: gainIn(all)}];
  });
  const [chosen] = shared.sort(mostTelling);
  if (chosen === undefined) return undefined;
  const {prompt, gain, graded} = chosen;
  const isGain = gain > 0;
  const row = await promptOf(store, models, prompt);
  const replies = models.flatMap(({name, paper}, index): Reply[] => {
    const response = responseTo(prompt, evaluated[index]!, isGain ? index > 0 : undefined);
    return response === undefined ? [] : [{name, paper, isGraded: graded > 0, ...response}];
  });
  return {
    ...{prompt, question: row?.question, answer: row?.answer},
    ...{of: shared.length, isGain, replies},
  };
}

/** One prompt, as one model was asked it. */
interface Tally {
  right: number;
  /** Responses with an answer to check. */
  graded: number;
  readonly language: string | null;
  readonly steps: number | null;
}

type Asked = ReadonlyMap<string, Tally>;

interface Candidate extends Tally {
  readonly prompt: string;
  readonly gain: number;
}

function askedIn({samples}: Evaluated): Asked {
  const asked = new Map<string, Tally>();
  for (const {prompt, outcome, language, steps} of samples) {
    let tally = asked.get(prompt);
    if (tally === undefined) asked.set(prompt, (tally = {right: 0, graded: 0, language, steps}));
    tally.graded += Number(outcome !== 'left-out');
    tally.right += Number(outcome === 'right');
  }
  return asked;
}

/** By how much the share of right responses is higher in the worst of the others; 0 where there are none, or nothing is checked. */
function gainIn([first, ...others]: readonly Tally[]): number {
  if (others.length === 0 || [first!, ...others].some(({graded}) => graded === 0)) return 0;
  const share = ({right, graded}: Tally): number => right / graded;
  return Math.min(...others.map(share)) - share(first!);
}

function mostTelling(a: Candidate, b: Candidate): number {
  const rank = (one: Candidate): number => Math.max(0, one.gain);
  return (
    rank(b) - rank(a) ||
    Number(b.graded > 0) - Number(a.graded > 0) ||
    Number(b.language === 'en') - Number(a.language === 'en') ||
    (b.steps ?? 0) - (a.steps ?? 0) ||
    (a.prompt < b.prompt ? -1 : 1)
  );
}
