/** Which of the evaluated models a short look at a run is about, and which of them stand for where it came from and where it got to. */
import {lineageOf} from '../../artifacts/queries/ancestry.js';
import type {Store} from '../../artifacts/index.js';
import type {FoundEvaluation} from './evaluations.js';

/** Models that a table of a run shows at once. */
const MOST = 10;

/** What the paper calls the models that its story is told by, after the one that it starts from. */
const STORY: readonly string[] = ['R1-Zero', 'R1'];

/**
 * The models that a recipe is about, in its order: those that the paper has a name for and the one that they were made from; where the
 * recipe gives no such names, all, and of very many the first and the last ones.
 *
 * @param evaluations of one run, benchmarks left out
 */
export function mainModels(store: Store, evaluations: readonly FoundEvaluation[]): readonly FoundEvaluation[] {
  const named = evaluations.filter(({paper}) => paper !== undefined);
  if (named.length > 0) {
    const [start] = storyOf(store, evaluations);
    return evaluations.filter((one) => one === start || named.includes(one));
  }
  return evaluations.length <= MOST ? evaluations : [...evaluations.slice(0, 1), ...evaluations.slice(1 - MOST)];
}

/**
 * At most three models that show what a run did, the one that it started from first: base, R1-Zero and R1 where the recipe says which
 * these are; else the model that came last, and among those that it was made from the first and the last that were evaluated.
 *
 * @param evaluations of one run, benchmarks left out
 */
export function storyOf(store: Store, evaluations: readonly FoundEvaluation[]): readonly FoundEvaluation[] {
  const named = STORY.flatMap((paper) => evaluations.find((one) => one.paper === paper) ?? []);
  const last = named[0] ?? evaluations.at(-1);
  if (last === undefined) return [];
  const before = evaluatedAncestors(store, last, evaluations);
  if (named.length > 0) return [...before.slice(0, 1), ...named.filter((one) => !before.slice(0, 1).includes(one))];
  // One that was made from nothing else that was evaluated stands beside the first of the recipe.
  const others = before.length > 0 ? [...new Set([before[0]!, before.at(-1)!])] : evaluations.slice(0, 1);
  return [...others.filter((one) => one !== last), last];
}

/** What was evaluated of the models that a model was made from, once each, in the order of the recipe. */
function evaluatedAncestors(
  store: Store,
  {model}: FoundEvaluation,
  evaluations: readonly FoundEvaluation[],
): readonly FoundEvaluation[] {
  if (model === undefined) return [];
  const {nodes} = lineageOf(store, model.attempt, {direction: 'up'});
  const before = evaluations.filter(
    (one) => one.model !== undefined && one.model.artifact !== model.artifact && nodes.has(one.model.attempt),
  );
  // Of several evaluations of one model, the one that is called as it is.
  const isChosen = (one: FoundEvaluation): boolean => {
    const same = before.filter((other) => other.model!.artifact === one.model!.artifact);
    return one === (same.find(({name, model: its}) => name === its!.node) ?? same[0]);
  };
  return before.filter(isChosen);
}
