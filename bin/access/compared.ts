/** What `r1 compare` compares: references to models and evaluations, led to the evaluations that tell of them. */
import {UserError} from '../../artifacts/index.js';
import type {Digest, Run, Store} from '../../artifacts/index.js';
import {resolve} from '../../artifacts/queries/reference.js';
import type {Resolved} from '../../artifacts/queries/reference.js';
import {frozenPlanOf} from '../../pipeline/plan/frozen-plan.js';
import {isRef} from '../../pipeline/wiring/nodes.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {evaluationsOf, SCORES} from './evaluations.js';
import type {FoundEvaluation} from './evaluations.js';

/** What one argument led to. */
export interface Compared {
  /** As it was typed. */
  readonly reference: string;
  readonly evaluation: FoundEvaluation;
  /** Other evaluations of the same model in the same run, which can be named by their nodes. */
  readonly others: readonly FoundEvaluation[];
}

/**
 * The evaluation that a reference to a model, to a node that made one, or to an evaluation itself leads to.
 *
 * @param run the run to look in, where the reference names none
 * @throws UserError as `resolve`; bad-argument where it is neither, not-found where nothing evaluated the model, ambiguous-reference
 * where several did and none is called as the model
 */
export async function findCompared(store: Store, reference: string, run?: number): Promise<Compared> {
  const text = run === undefined ? reference : `${run}/${reference}`;
  const resolved = await resolve(store, text, {suggest: suggestion});
  const scores = scoresIn(resolved);
  if (scores !== undefined) return {reference, evaluation: ofArtifact(store, resolved, scores), others: []};
  const model = modelIn(resolved, reference);
  const candidates = evaluating(store, model, resolved.run ?? resolved.attempt.run);
  if (candidates.length === 0) throw notEvaluated(store, resolved, reference);
  const own = candidates.filter(({isBenchmark}) => !isBenchmark);
  const most = own.length > 0 ? own : candidates;
  const chosen = most.length === 1 ? most[0] : most.find((one) => one.name === one.model!.node);
  if (chosen === undefined) {
    throw new UserError('ambiguous-reference', `${most.length} nodes have evaluated ${reference}`, {
      hint: `say which: ${most.map(({run: {id}, node}) => `${id}/${node}`).join(', ')}`,
    });
  }
  return {reference, evaluation: chosen, others: candidates.filter((one) => one !== chosen)};
}

/** The output of evaluations that was meant, if it is one. */
function scoresIn({attempt, output}: Resolved): Digest | undefined {
  if (output !== undefined) return output.kind === SCORES ? output.artifact : undefined;
  const made = attempt.outputs.filter(({kind}) => kind === SCORES);
  return made.length === 1 ? made[0]!.artifact : undefined;
}

/** @throws UserError where no model is meant, or one of several */
function modelIn({attempt, output, run}: Resolved, reference: string): Digest {
  if (output?.kind === 'model') return output.artifact;
  if (output !== undefined)
    throw new UserError('bad-argument', `${reference} is of kind ${output.kind}`, {
      hint: 'compare takes models, nodes that made one, nodes that evaluated one, and numbers of runs; r1 diff takes any two artifacts',
    });
  const {outcome, outputs, node} = attempt;
  if (outputs.length === 0) {
    const state = outcome === undefined ? 'is not done' : `made nothing: ${outcome.reason}`;
    throw new UserError('not-found', `${node} ${state}${run === undefined ? '' : ` (run ${run})`}`, {
      remedy:
        outcome === undefined ? {type: 'list-nodes', ...(run === undefined ? {} : {run})} : {type: 'read-log', node},
    });
  }
  const models = outputs.filter(({kind}) => kind === 'model');
  if (models.length === 1) return models[0]!.artifact;
  throw models.length > 1
    ? new UserError('ambiguous-reference', `${reference} has ${models.length} models`, {
        hint: `say which: ${models.map(({port}) => `${reference}:${port}`).join(', ')}`,
      })
    : new UserError('bad-argument', `${reference} has made no model and no scores`, {
        hint: `it has made ${outputs.map(({port, kind}) => `${node}:${port} (${kind})`).join(', ')}`,
      });
}

/** As its run sees it, through which it was found, or which began it. */
function ofArtifact(store: Store, {attempt, run}: Resolved, artifact: Digest): FoundEvaluation {
  const found = evaluationsOf(store, store.run(run ?? attempt.run)!).find(
    (one) => one.attempt.id === attempt.id && one.artifact === artifact,
  );
  if (found === undefined) throw new Error(`Internal error: attempt ${attempt.id} made @${artifact} in no run`);
  return found;
}

/** What evaluated a model, in one run: in this one, else in the newest that did. Equal bytes are one model, whichever run made them. */
function evaluating(store: Store, model: Digest, first: number): readonly FoundEvaluation[] {
  const runs = store.runs();
  for (const run of [...runs.filter(({id}) => id === first), ...runs.filter(({id}) => id !== first)]) {
    const found = evaluationsOf(store, run).filter((one) => one.model?.artifact === model);
    if (found.length > 0) return found;
  }
  return [];
}

function notEvaluated(store: Store, {attempt, run}: Resolved, reference: string): UserError {
  const id = run ?? attempt.run;
  const waiting = plannedEvaluation(store.run(id)!, attempt.node);
  const elsewhere = store
    .runs()
    .find((other) => evaluationsOf(store, other).some(({model}) => model?.node === attempt.node));
  const hints = [
    ...(waiting === undefined
      ? [`a node of the stage “evaluate” scores it in a recipe; r1 eval ${reference} --prompts FILE scores it now`]
      : [
          `${waiting} of run ${id} is to: ${store.isAlive(id) ? `r1 status ${id} says how far it is` : `r1 resume ${id} goes on`}`,
        ]),
    ...(elsewhere === undefined ? [] : [`one of an earlier run was evaluated: ${elsewhere.id}/${attempt.node}`]),
  ];
  return new UserError('not-found', `nothing has evaluated ${reference} of run ${id}`, {hint: hints.join('\n')});
}

/** The node of the run that evaluates what a node makes. */
function plannedEvaluation(run: Run, model: string): string | undefined {
  const planned = Object.entries(frozenPlanOf(run).nodes).find(([, node]) => {
    const wired = node.type === 'stage' && node.stage === 'evaluate' ? node.inputs['model'] : undefined;
    return isRef(wired) && wired.node === model;
  });
  return planned?.[0];
}
