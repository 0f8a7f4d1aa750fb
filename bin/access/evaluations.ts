/** The evaluations of a run, whether or not a report looked at them: found by their artifacts, in the recipe's order. */
import {shortDigest} from '../../artifacts/index.js';
import type {Attempt, AttemptId, Digest, InputEdge, Run, Store} from '../../artifacts/index.js';
import {storedFile} from '../../artifacts/queries/stored-file.js';
import {frozenPlanOf} from '../../pipeline/plan/frozen-plan.js';
import {isRef} from '../../pipeline/wiring/nodes.js';
import type {Evaluated} from '../../stages/evaluation/report/index.js';
import {paperNamesOf} from './paper-names.js';

/** A model that was evaluated. */
export interface EvaluatedModel {
  /** What the run calls the node that made it. */
  readonly node: string;
  readonly attempt: AttemptId;
  readonly artifact: Digest;
}

/** A `scores` artifact that a run made or reused. */
export interface FoundEvaluation {
  readonly run: Run;
  /** The node that made it. */
  readonly node: string;
  /** What tables call it: as a report of the run was wired with it, else as its model, where it is the only one of that. */
  readonly name: string;
  /** What the paper calls its model, where the recipe says so. */
  readonly paper?: string;
  readonly attempt: Attempt;
  readonly artifact: Digest;
  /** Undefined where a model at an endpoint answered. */
  readonly model: EvaluatedModel | undefined;
  /** Of a benchmark, not of the recipe's own prompts. */
  readonly isBenchmark: boolean;
  /** Of a snapshot of a training: one point of a curve, shown only where it is asked for. */
  readonly isSnapshot: boolean;
}

/** The kind of artifact that evaluations make. */
export const SCORES = 'scores';

/**
 * All evaluations that the run has made so far, in the order in which the recipe adds their models.
 *
 * @throws UserError newer-store, store-damaged
 */
export function evaluationsOf(store: Store, run: Run): readonly FoundEvaluation[] {
  const made = store.outputsOfKind(run.id, SCORES);
  if (made.length === 0) return [];
  const nodeOf = new Map(
    store.nodesOf(run.id).flatMap(({node, attempt}) => (attempt === undefined ? [] : [[attempt, node] as const])),
  );
  const found = made.map(({node, attempt: id, artifact}) => {
    const attempt = store.attempt(id)!;
    const model = modelOf(store, attempt, nodeOf);
    return {
      ...{run, node, attempt, artifact, model},
      isBenchmark: attempt.stage === 'bench',
      isSnapshot: model !== undefined && store.attempt(model.attempt)!.stage === 'snapshot',
    };
  });
  const wired = namesInReports(run);
  const names = found.map(({node, model}) => {
    const isOnly = found.filter((other) => other.model?.artifact === model?.artifact).length === 1;
    return wired.get(node) ?? (model !== undefined && isOnly ? model.node : node);
  });
  const {order = []} = frozenPlanOf(run);
  const place = ({node, model}: (typeof found)[number]): number => order.indexOf(model?.node ?? node);
  const papers = paperNamesOf(run);
  return found
    .map((one, index) => {
      const name = names.filter((other) => other === names[index]).length > 1 ? one.node : names[index]!;
      const paper = papers.get(name);
      return {...one, name, ...(paper === undefined ? {} : {paper})};
    })
    .sort((a, b) => place(a) - place(b) || order.indexOf(a.node) - order.indexOf(b.node));
}

/** What the reports of a recipe are wired with evaluations as, by the node that makes them; they need not have been made. */
function namesInReports(run: Run): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const node of Object.values(frozenPlanOf(run).nodes)) {
    if (node.type !== 'stage' || node.stage !== 'report') continue;
    const wired = node.inputs[SCORES];
    if (wired === undefined || isRef(wired)) continue;
    for (const [name, ref] of Object.entries(wired)) if (!names.has(ref.node)) names.set(ref.node, name);
  }
  return names;
}

/** The model among the inputs of an evaluation. */
function modelOf(store: Store, {inputs}: Attempt, nodeOf: ReadonlyMap<AttemptId, string>): EvaluatedModel | undefined {
  const isModel = ({artifact, madeBy}: InputEdge): boolean =>
    store.attempt(madeBy)!.outputs.some((output) => output.artifact === artifact && output.kind === 'model');
  const models = inputs.filter(isModel);
  const model = models.find(({port}) => port === 'model') ?? models[0];
  if (model === undefined) return undefined;
  const {artifact, madeBy} = model;
  return {node: nodeOf.get(madeBy) ?? store.attempt(madeBy)!.node, attempt: madeBy, artifact};
}

type Located = Pick<FoundEvaluation, 'node' | 'artifact'>;

const file = (store: Store, {node, artifact}: Located, path: string) => ({
  file: storedFile(store, artifact, path),
  name: `${node} @${shortDigest(artifact)}: ${path}`,
});

/** Settings and scores. @throws UserError, StageFailure where the bytes are gone, or no evaluation's: a store may hold anything */
export async function readScoresOf(store: Store, found: Located): Promise<Omit<Evaluated, 'samples'>> {
  const {readScoresFile} = await import('../../stages/evaluation/report/index.js');
  return readScoresFile(file(store, found, 'scores.json'));
}

/** The same with all judged responses. */
export async function readEvaluationOf(store: Store, found: Located): Promise<Evaluated> {
  const {readEvaluationFiles} = await import('../../stages/evaluation/report/index.js');
  return readEvaluationFiles(file(store, found, 'scores.json'), file(store, found, 'rows.jsonl'));
}
