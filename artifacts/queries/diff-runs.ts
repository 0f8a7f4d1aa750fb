/**
 * What is different between two runs, and where it began: the first node whose inputs were equal and outputs differ, or
 * the first param, input from outside, code file or runtime that differs. Asks the facts only; `diff-artifacts.ts` looks into
 * the bytes.
 */
import {asCodeParts, codeChanges} from './code-parts.js';
import type {CodeChange, CodeParts} from './code-parts.js';
import type {Digest, Json} from '../digest.js';
import type {Attempt, AttemptId, RunId} from '../records.js';
import type {Lineage} from '../facts/read.js';

/** Something that an attempt is a function of and that differs. `name` says which, within `what`. */
export interface Cause {
  readonly what:
    | 'stage'
    | 'seed'
    | 'param'
    | 'env'
    | 'environment'
    | 'code'
    | 'definition'
    | 'runtime'
    | 'source'
    | 'input'
    | 'checkpoint'
    | 'other';
  readonly name: string;
  /** Undefined where only the other run has it. */
  readonly a: Json | undefined;
  readonly b: Json | undefined;
}

/** Artifacts that two runs have on one port. */
export interface OutputDifference {
  readonly port: string;
  readonly kind: string;
  readonly a: Digest | undefined;
  readonly b: Digest | undefined;
}

/** Last values that two runs have of one metric. */
export interface MetricDifference {
  readonly name: string;
  /** The last values; NaN and infinities as strings, since this leaves as JSON. */
  readonly a: number | string | undefined;
  readonly b: number | string | undefined;
}

/** What differs between two runs at one node. Causes are those of the attempts that the runs used. */
export interface NodeDifference {
  readonly node: string;
  /**
   * 'same': the same attempt. 'same-bytes': another attempt with equal outputs. 'diverged': equal ingredients, other
   * outputs. 'differs': other ingredients and other outputs. 'only-a', 'only-b': in one of the runs only. 'unfinished':
   * one of the runs has no outputs to compare.
   */
  readonly status: 'same' | 'same-bytes' | 'diverged' | 'differs' | 'only-a' | 'only-b' | 'unfinished';
  readonly a: AttemptId | undefined;
  readonly b: AttemptId | undefined;
  readonly causes: readonly Cause[];
  /** Outputs that differ. */
  readonly outputs: readonly OutputDifference[];
  /** Metrics whose last values differ. */
  readonly metrics: readonly MetricDifference[];
}

/** What differs between runs `a` and `b`. */
export interface RunDifference {
  readonly a: RunId;
  readonly b: RunId;
  /** Dependencies first. */
  readonly nodes: readonly NodeDifference[];
  /** Where it began; undefined when no node differs in both runs. */
  readonly first: NodeDifference | undefined;
}

/**
 * What differs between two runs, node by node, and where it began. Reads records only, no bytes; a run that the store
 * does not know has no nodes.
 */
export function diffRuns(store: Lineage, a: RunId, b: RunId): RunDifference {
  const [left, right] = [usedBy(store, a), usedBy(store, b)];
  const nodes = inOrder(left, right).map((node) => diffNode(store, node, left.get(node), right.get(node)));
  return {a, b, nodes, first: firstDifference(nodes)};
}

/** Where it began, among these nodes in the order of `diffRuns`: the first with other outputs or causes than what it was given. */
export const firstDifference = (nodes: readonly NodeDifference[]): NodeDifference | undefined =>
  nodes.find(({status, causes}) => status === 'diverged' || causes.some(({what}) => what !== 'input'));

/** The attempt that each node of the run came to use. */
function usedBy(store: Lineage, run: RunId): ReadonlyMap<string, Attempt> {
  return new Map(
    store
      .nodesOf(run)
      .flatMap(({node, attempt}) => (attempt === undefined ? [] : [[node, store.attempt(attempt)!] as const])),
  );
}

/** Nodes of both runs, what is used before what uses it. */
function inOrder(left: ReadonlyMap<string, Attempt>, right: ReadonlyMap<string, Attempt>): readonly string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const nodeOf = new Map<AttemptId, string>([...left, ...right].map(([node, {id}]) => [id, node]));
  const visit = (node: string): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const attempt of [left.get(node), right.get(node)]) {
      for (const {madeBy} of attempt?.inputs ?? []) {
        const maker = nodeOf.get(madeBy);
        if (maker !== undefined) visit(maker);
      }
    }
    order.push(node);
  };
  for (const node of [...left.keys(), ...right.keys()]) visit(node);
  return order;
}

function diffNode(store: Lineage, node: string, a: Attempt | undefined, b: Attempt | undefined): NodeDifference {
  const none = {node, a: a?.id, b: b?.id, causes: [], outputs: [], metrics: []};
  if (b === undefined) return {...none, status: 'only-a'};
  if (a === undefined) return {...none, status: 'only-b'};
  if (a.id === b.id) return {...none, status: 'same'};
  const causes = causesOf(store, a, b);
  const metrics = diffMetrics(store, a.id, b.id);
  if (a.outcome?.ok !== true || b.outcome?.ok !== true) return {...none, status: 'unfinished', causes, metrics};
  const outputs = diffOutputs(a, b);
  const status = outputs.length === 0 ? 'same-bytes' : causes.length === 0 ? 'diverged' : 'differs';
  return {...none, status, causes, outputs, metrics};
}

function diffOutputs(a: Attempt, b: Attempt): readonly OutputDifference[] {
  const [left, right] = [a, b].map(({outputs}) => new Map(outputs.map((output) => [output.port, output]))) as [
    Map<string, Attempt['outputs'][number]>,
    Map<string, Attempt['outputs'][number]>,
  ];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((port): OutputDifference[] => {
    const [x, y] = [left.get(port), right.get(port)];
    return x?.artifact === y?.artifact ? [] : [{port, kind: (y ?? x)!.kind, a: x?.artifact, b: y?.artifact}];
  });
}

const isObject = (value: Json | undefined): value is {readonly [key: string]: Json} =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Leaves of two JSON values that differ, by path. */
function* differences(a: Json | undefined, b: Json | undefined, path = ''): Generator<Pick<Cause, 'name' | 'a' | 'b'>> {
  if (isObject(a) && isObject(b)) {
    for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
      yield* differences(a[key], b[key], path === '' ? key : `${path}.${key}`);
    }
  } else if (JSON.stringify(a) !== JSON.stringify(b)) {
    yield {name: path, a, b};
  }
}

/** Ingredients that have causes of their own. */
const KNOWN: ReadonlySet<string> = new Set([
  'stage',
  'code',
  'definitions',
  'params',
  'env',
  'environment',
  'inputs',
  'seed',
  'runtime',
  'source',
]);

/** In what two attempts differ that they are functions of, inputs by their digests. */
export function causesOf(store: Lineage, a: Attempt, b: Attempt): readonly Cause[] {
  const [left, right] = [isObject(a.ingredients) ? a.ingredients : {}, isObject(b.ingredients) ? b.ingredients : {}];
  const of = (what: Cause['what'], found: Iterable<Pick<Cause, 'name' | 'a' | 'b'>>): Cause[] =>
    [...found].map((cause) => ({what, ...cause}));
  const isSource = a.stage === 'source' && b.stage === 'source';
  const rest = (ingredients: Readonly<Record<string, Json>>): Json =>
    Object.fromEntries(Object.entries(ingredients).filter(([key]) => !KNOWN.has(key)));
  return [
    ...(a.stage === b.stage ? [] : [{what: 'stage', name: '', a: a.stage, b: b.stage} as const]),
    ...of('source', isSource ? differences(sourceOf(left), sourceOf(right)) : []),
    ...of('param', isSource ? [] : differences(a.params, b.params)),
    ...of('env', differences(left['env'] ?? {}, right['env'] ?? {})),
    ...of('environment', differences(left['environment'] ?? {}, right['environment'] ?? {})),
    ...of('seed', differences(left['seed'], right['seed'])),
    ...codeCauses(store, a, b, [left, right]),
    ...of('runtime', differences(left['runtime'], right['runtime'])),
    ...of('other', differences(rest(left), rest(right))),
    ...(a.continues?.accepted === b.continues?.accepted
      ? []
      : [{what: 'checkpoint', name: 'of other code', a: a.continues?.accepted, b: b.continues?.accepted} as const]),
    ...(a.outcome?.reason === b.outcome?.reason
      ? []
      : [{what: 'other', name: 'finished', a: endOf(a), b: endOf(b)} as const]),
    ...inputCauses(a, b),
  ];
}

/** How a success came to its end: one that was cut short has other bytes for that alone. */
const endOf = ({outcome}: Attempt): Json | undefined =>
  outcome?.reason === 'succeeded' ? 'to its end' : outcome?.detail;

/** The path is where it lay, not what it is. */
const sourceOf = (ingredients: Readonly<Record<string, Json>>): Json | undefined =>
  isObject(ingredients['source']) ? (ingredients['source']['artifact'] ?? null) : undefined;

/** The files and packages behind the code digests that differ, or the digest itself where they were not kept. */
function codeCauses(
  store: Lineage,
  a: Attempt,
  b: Attempt,
  [left, right]: readonly [Readonly<Record<string, Json>>, Readonly<Record<string, Json>>],
): readonly Cause[] {
  const [x, y] = [asCodeParts(store.codeParts(a.id)), asCodeParts(store.codeParts(b.id))];
  const between = (whole: Cause, before: CodeParts | undefined, now: CodeParts | undefined): readonly Cause[] => {
    const changes = before === undefined || now === undefined ? [] : codeChanges(before, now);
    return changes.length > 0 ? changes.map((change) => causeOf(change, whole)) : [whole];
  };
  const ofStage = differences(left['code'], right['code'], 'code');
  const ofDefinitions = differences(left['definitions'] ?? {}, right['definitions'] ?? {});
  return [
    ...[...ofStage].flatMap((digests) => between({...digests, what: 'code', name: ''}, x, y)),
    ...[...ofDefinitions].flatMap((digests) => {
      const {name} = digests;
      return between({...digests, what: 'definition'}, x?.definitions?.[name], y?.definitions?.[name]);
    }),
  ];
}

/** @param whole what is to be said where nothing is known of single files */
function causeOf(change: CodeChange, whole: Cause): Cause {
  const of = (file: string, a: Json | undefined, b: Json | undefined): Cause => ({
    what: whole.what,
    name: whole.name === '' ? file : `${whole.name}: ${file}`,
    a,
    b,
  });
  switch (change.change) {
    case 'counting':
      return whole;
    case 'content':
      return of(change.file, change.before, change.now);
    case 'imports':
      return of(`${change.file} imports`, change.before, change.now);
    case 'gone':
      return of(change.file, change.digest, undefined);
    case 'new':
      return of(change.file, undefined, change.digest);
    case 'moved':
      return of('moved', change.file, change.to);
    case 'package':
      return of(change.name, change.before, change.now);
  }
}

function inputCauses(a: Attempt, b: Attempt): readonly Cause[] {
  const named = ({inputs}: Attempt) =>
    new Map(inputs.map(({port, name, artifact}) => [name === '' ? port : `${port}.${name}`, artifact]));
  const [left, right] = [named(a), named(b)];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((name): Cause[] => {
    const [x, y] = [left.get(name), right.get(name)];
    return x === y ? [] : [{what: 'input', name, a: x, b: y}];
  });
}

function diffMetrics(store: Lineage, a: AttemptId, b: AttemptId): readonly MetricDifference[] {
  const last = (attempt: AttemptId) =>
    new Map(store.metrics(attempt, {throughCheckpoints: true}).map(({name, value}) => [name, value]));
  const [left, right] = [last(a), last(b)];
  const number = (value: number | undefined): number | string | undefined =>
    value === undefined || Number.isFinite(value) ? value : String(value);
  return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap((name): MetricDifference[] => {
    const [x, y] = [left.get(name), right.get(name)];
    return Object.is(x, y) ? [] : [{name, a: number(x), b: number(y)}];
  });
}
