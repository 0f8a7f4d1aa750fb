/** Runs that have evaluated models, put together by hand: a plan, and attempts with the artifacts that the stages make. */
import {digestOf} from '../../artifacts/index.js';
import type {Json, RunId} from '../../artifacts/index.js';
import {scoreSamples} from '../../stages/evaluation/index.js';
import type {Sample} from '../../stages/evaluation/index.js';
import {edge} from '../artifacts/temporary.js';
import type {Bench, Made, Making} from '../artifacts/temporary.js';

/** A node that makes a model, and what evaluates it. */
export interface Trained {
  readonly node: string;
  /** The node of the model that it was trained from. */
  readonly from?: string;
  readonly stage?: string;
  readonly params?: Json;
  /** By step, of the training. */
  readonly curve?: readonly number[];
  readonly evaluations: readonly Evaluating[];
}

/** One evaluation of a model. */
export interface Evaluating {
  readonly node: string;
  /** What the report is wired with it as; without it, it is not. */
  readonly wiredAs?: string;
  readonly samples: readonly Sample[];
  readonly k?: number;
  readonly template?: string;
  /** What else `scores.json` says of how it was asked. */
  readonly asked?: Readonly<Record<string, Json>>;
  readonly params?: Readonly<Record<string, Json>>;
}

/** What a runner does for a node: uses an attempt that was a function of the same, or makes one. */
async function upToDate(bench: Bench, {seed, ...making}: Making & {readonly seed?: number}): Promise<Made> {
  const {node, params = {}, inputs = []} = making;
  const ingredients = {params, ...(seed === undefined ? {} : {seed})};
  const fingerprint = digestOf('fingerprint', {node, ...ingredients, inputs: inputs.map(({artifact}) => artifact)});
  const known = bench.store.findByFingerprint(fingerprint);
  if (known === undefined) return bench.make({...making, fingerprint, more: {ingredients, seed: seed ?? 0}});
  const {attempt} = known;
  bench.store.recordDecisions([{run: bench.run, node, action: 'reuse', attempt, because: 'same fingerprint'}]);
  const outputs = bench.store
    .attempt(attempt)!
    .outputs.map(({port, artifact}) => [port, bench.store.artifact(artifact)!] as const);
  return {attempt, outputs: Object.fromEntries(outputs)};
}

const stageNode = (stage: string, inputs: Json = {}, params: Json = {}): Json => ({
  ...{type: 'stage', stage, module: `r1:stages/${stage}.js`, export: stage, inputs, params, options: {}},
});

const ref = (node: string, port: string, kind: string): Json => ({node, port, kind});

/** The plan of these models and evaluations, in this order, with a report of those that are wired. */
function planOf(recipe: string, seed: number, models: readonly Trained[], report: Json): Json {
  const nodes: Record<string, Json> = {prompts: stageNode('prompts')};
  const scores: Record<string, Json> = {};
  for (const {node, stage = 'grpo', params = {}, evaluations} of models) {
    nodes[node] = stageNode(stage, {}, params);
    for (const {node: evaluation, wiredAs, params: more = {}} of evaluations) {
      nodes[evaluation] = stageNode('evaluate', {model: ref(node, 'model', 'model')}, more);
      if (wiredAs !== undefined) scores[wiredAs] = ref(evaluation, 'scores', 'scores');
    }
  }
  nodes['report'] = stageNode('report', {scores}, report);
  return {version: 2, recipe, seed, nodes, order: Object.keys(nodes)};
}

/** Begins a run that makes all of these; nodes whose name `isMade` refuses are planned alone. */
export async function evaluatedRun(
  bench: Bench,
  {
    recipe = 'tried',
    seed = 0,
    models,
    report = {},
    isMade = () => true,
  }: {
    readonly recipe?: string;
    readonly seed?: number;
    readonly models: readonly Trained[];
    /** Params of the report, which is planned and not made. */
    readonly report?: Json;
    readonly isMade?: (node: string) => boolean;
  },
): Promise<RunId> {
  bench.begin(recipe, seed, planOf(recipe, seed, models, report));
  const questions = [...new Set(models.flatMap(({evaluations}) => evaluations.flatMap((one) => one.samples)))];
  const prompts = await upToDate(bench, {
    node: 'prompts',
    params: {problems: new Set(questions.map(({prompt}) => prompt)).size},
    outputs: {heldOut: {kind: 'prompts', files: {'rows.jsonl': promptRows(questions)}}},
  });
  const made = new Map<string, Made>();
  for (const {node, stage = 'grpo', from, params = {}, curve = [], evaluations} of models) {
    if (!isMade(node)) continue;
    const policy = from === undefined ? [] : [edge(made.get(from)!, 'model', 'policy')];
    const model = await upToDate(bench, {
      ...{node, stage, params, inputs: policy, seed},
      outputs: {model: {kind: 'model', files: {weights: `${node} ${seed} ${JSON.stringify(params)}`}}},
    });
    const points = curve.map((value, step) => ({name: 'accuracy', step: step + 1, value}));
    bench.store.addMetrics(model.attempt, points, 0);
    made.set(node, model);
    for (const evaluation of evaluations)
      if (isMade(evaluation.node)) await evaluate(bench, evaluation, {model, prompts, node});
  }
  return bench.run;
}

async function evaluate(
  bench: Bench,
  {node, samples, k = 2, template = 'chat', asked = {}, params = {}}: Evaluating,
  {model, prompts, node: name}: {readonly model: Made; readonly prompts: Made; readonly node: string},
): Promise<void> {
  const settings = {format: 'r1-scores-1', model: name, template, ...asked, temperature: 0.6, topP: 0.95, k};
  const rows = samples.map((one) => JSON.stringify({id: `${one.prompt}#${one.sample}`, from: [one.prompt], ...one}));
  const files = {
    'scores.json': JSON.stringify({...settings, scores: scoreSamples(samples, {k})}),
    'rows.jsonl': rows.map((row) => `${row}\n`).join(''),
  };
  await upToDate(bench, {
    ...{node, stage: 'evaluate', params},
    inputs: [edge(model, 'model'), edge(prompts, 'heldOut', 'prompts')],
    outputs: {scores: {kind: 'scores', files}},
  });
}

const promptRows = (samples: readonly Sample[]): string =>
  [...new Map(samples.map(({prompt, key, task}) => [prompt, {prompt, key, task}])).values()]
    .map(
      ({prompt, key, task}) =>
        `${JSON.stringify({id: prompt, from: [], task, key, question: `what is ${key} ?`, answer: '1 1'})}\n`,
    )
    .join('');
