/** One question that two models were asked, with a response of each: the shortest look at what a difference of scores is made of. */
import type {Store} from '../../artifacts/index.js';
import {storedFile} from '../../artifacts/queries/stored-file.js';
import {readRowsOf} from '../../stages/data/rows.js';
import {promptRow} from '../../stages/data/schemas.js';
import type {Evaluated} from '../../stages/evaluation/report/index.js';
import {gainOf} from '../../stages/evaluation/won-and-lost.js';
import type {RightOf, WonAndLost} from '../../stages/evaluation/won-and-lost.js';
import type {FoundEvaluation} from './evaluations.js';

/** What a model responded to the question. */
export interface Response extends RightOf {
  readonly sample: number;
  readonly outcome: string;
  readonly text: string;
}

/** The question; undefined where the prompts are no longer in the store. */
export interface AskedQuestion {
  readonly prompt: string;
  readonly question: string | undefined;
  readonly answer: string | undefined;
  readonly baseline: Response;
  readonly other: Response;
}

/** A side of the comparison. */
export interface Side {
  readonly found: FoundEvaluation;
  readonly evaluated: Evaluated;
}

/**
 * The problem that changed most, with a right response of the model that solves it more often and a wrong one of the other; where none
 * changed, the first that both were asked.
 *
 * @returns `undefined` where they were asked nothing alike
 */
export async function questionOfBoth(
  store: Store,
  [baseline, other]: readonly [Side, Side],
  answers: WonAndLost | undefined,
): Promise<AskedQuestion | undefined> {
  const change = answers?.changes[0];
  const asked = new Set(other.evaluated.samples.map(({prompt}) => prompt));
  const prompts = change?.prompts ?? baseline.evaluated.samples.map(({prompt}) => prompt);
  const prompt = prompts.find((id) => asked.has(id));
  if (prompt === undefined) return undefined;
  const gain = change === undefined ? 0 : gainOf(change);
  const [before, after] = [
    responseTo(prompt, baseline.evaluated, gain < 0),
    responseTo(prompt, other.evaluated, gain > 0),
  ];
  if (before === undefined || after === undefined) return undefined;
  const row = await promptOf(store, [baseline.found, other.found], prompt);
  return {prompt, question: row?.question, answer: row?.answer, baseline: before, other: after};
}

/**
 * The first sample of a prompt that is right, or that is not; the first of all where there is none of that, or either will do.
 *
 * @returns `undefined` where the model was not asked
 */
export function responseTo(
  prompt: string,
  {samples}: Evaluated,
  wantsRight: boolean | undefined,
): Response | undefined {
  const own = samples.filter((sample) => sample.prompt === prompt);
  const chosen = own.find(({outcome}) => wantsRight === undefined || (outcome === 'right') === wantsRight) ?? own[0];
  if (chosen === undefined) return undefined;
  const right = own.filter(({outcome}) => outcome === 'right').length;
  return {sample: chosen.sample, outcome: chosen.outcome, text: chosen.text, right, of: own.length};
}

/** The row of a prompt set that one of the models was asked from, whichever still has its bytes. */
export async function promptOf(
  store: Store,
  evaluations: readonly FoundEvaluation[],
  prompt: string,
): Promise<{readonly question: string; readonly answer?: string | undefined} | undefined> {
  const sets = new Map(
    evaluations.flatMap(({attempt}) =>
      attempt.inputs.flatMap(({artifact, madeBy}) => {
        const maker = store.attempt(madeBy)!;
        const isPrompts = maker.outputs.some((output) => output.artifact === artifact && output.kind === 'prompts');
        return isPrompts && store.isPresent(artifact) ? [[artifact, maker.node] as const] : [];
      }),
    ),
  );
  for (const [artifact, node] of sets) {
    const rows = await readRowsOf(
      {file: storedFile(store, artifact, 'rows.jsonl'), name: `${node}: rows.jsonl`},
      promptRow,
    );
    const row = rows.find(({id}) => id === prompt);
    if (row !== undefined) return row;
  }
  return undefined;
}
