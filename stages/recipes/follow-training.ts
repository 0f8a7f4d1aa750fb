/** Evaluations of a training's snapshots, from which the report draws its curves on held-out problems. */
import type {Add, Ref} from '../../pipeline/recipe.js';
import type {FollowedTraining} from '../evaluation/report/followed.js';
import {snapshot} from '../index.js';

/** What a recipe hands to its report. */
export interface Followed {
  /** To be added to the scores of the report. */
  readonly scores: Readonly<Record<string, Ref<'scores'>>>;
  /** For the report's param `followed`. */
  readonly followed: FollowedTraining;
}

/**
 * Adds a node `NODE-step-N` for each model that a node of `grpo` kept, and has it evaluated. The models at both ends are evaluated
 * already: their scores are known to the report as `base` and `node`.
 *
 * @param training.snapshots what `grpo` has on this port, with the steps of its param `snapshots`
 * @param training.beside names of the scores of models to compare with
 * @param evaluate adds the evaluation of a model, which is to be asked as the models at both ends are
 */
export function followTraining(
  add: Add,
  {
    node,
    base,
    snapshots,
    steps,
    beside = [],
  }: Pick<FollowedTraining, 'node' | 'base' | 'beside'> & {
    readonly snapshots: Ref<'snapshots'>;
    readonly steps: readonly number[];
  },
  evaluate: (name: string, model: Ref<'model'>) => Ref<'scores'>,
): Followed {
  const names = steps.map((step) => [String(step), `${node}-step-${step}`] as const);
  const scores = names.map(([step, name]) => {
    const {model} = add(name, snapshot, {snapshots}, {step: Number(step)});
    return [name, evaluate(name, model)] as const;
  });
  return {
    scores: Object.fromEntries(scores),
    followed: {node, base, snapshots: Object.fromEntries(names), beside},
  };
}
