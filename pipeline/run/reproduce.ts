/**
 * Makes an attempt again from what is recorded of it, in a scratch folder, and compares bytes. The verdict is stored beside
 * the attempt; nothing of the new outputs is kept.
 */
import {createReadStream, statSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {isInterrupted} from '../../artifacts/index.js';
import type {Artifact, Attempt, Json, Store} from '../../artifacts/index.js';
import {outputPath} from './record-outcome.js';
import {outcomeOf} from './outcome-of.js';
import {Terminator} from './terminate.js';
import type {CodeReader} from '../fingerprint/code-digest.js';
import {missingVariables, nodeVariables} from '../wiring/environment.js';
import type {Executor} from '../executors/executor.js';
import {differences} from '../fingerprint/fingerprint.js';
import type {KnownIngredients, RuntimeClass} from '../fingerprint/fingerprint.js';
import {frozenPlanOf} from '../plan/frozen-plan.js';
import type {FrozenStage} from '../plan/frozen-plan.js';
import {markCode, openCurrentCode, checkCode} from '../job/job-code.js';
import type {JobCode} from '../job/job-code.js';
import {readResult, writeFinish} from '../job/folder.js';
import {prepareJobFolder} from '../job/prepare-folder.js';
import {UnusableCommand} from '../job/command-line.js';
import {isSuccess, outcomeIn} from '../outcome.js';
import type {Failure, FinishedEarly} from '../outcome.js';
import {codeBehind, codeChangesSince, ingredientsOf} from '../plan/history.js';
import {askEnvironments} from '../plan/environments.js';
import {inFewWords, knownIngredients} from '../plan/plan.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import {readyEnvironment} from './ready-environment.js';
import type {StopRequest} from './stop.js';
import {definitionsIn, findModules, importNode, refuseStrangeEnvironment} from '../plan/read-frozen-plan.js';
import type {NodeModules} from '../plan/read-frozen-plan.js';
import {noCache, openTrusted} from '../plan/trust.js';
import type {TrustedPlace} from '../plan/trust.js';
import type {AnyStage, EnvironmentIdentity} from '../stage.js';
import {NAME} from '../values/names.js';
import {isMany, resourcesOf} from '../wiring/nodes.js';
import type {StageNode} from '../wiring/nodes.js';

export type Verdict =
  | {readonly verdict: 'reproducible'}
  | ({readonly verdict: 'differs'} & Difference)
  /** It could not be made again in the way it was made; `because` says what stands in the way. */
  | {readonly verdict: 'cannot'; readonly because: string};

/** Where the new bytes part from the recorded ones. */
export interface Difference {
  readonly port: string;
  /** Path within the artifact; '' when the artifact is a single file. */
  readonly file: string;
  /** First byte that differs; left out where one of them has no such file, or both have the same bytes. */
  readonly offset?: number;
  /** Set where the bytes are equal: whether the new file can be executed, which the recorded one can or cannot. */
  readonly executable?: boolean;
  /** The tensor with the largest difference, in a file of weights. */
  readonly tensor?: {readonly name: string; readonly values: number; readonly largest: number | null};
}

export interface ReproduceOptions {
  readonly store: Store;
  readonly executor: Executor;
  readonly runtimeOf: (threads: number) => RuntimeClass;
  readonly stop: StopRequest;
  /** Where the code may come from. */
  readonly place: Omit<TrustedPlace, 'store'>;
  /** Seconds between the request to stop and the end by force. */
  readonly grace: number;
  /** Told what a person should know though nothing hangs on it. */
  readonly warn: (text: string) => void;
}

/** Records and returns the verdict, or returns how the stage ended when it did not succeed this time. */
export async function reproduce(attempt: Attempt, options: ReproduceOptions): Promise<Result<Verdict, Failure>> {
  const {store} = options;
  const same = await sameStage(attempt, options);
  // What a plan says before it is made for the first time: it may cost money, or come out otherwise by its nature.
  if (same.ok) {
    const {stage, params} = same.value.node;
    for (const text of stage.caution?.(params as never) ?? []) options.warn(`${attempt.node}: ${text}`);
  }
  const made = same.ok
    ? await runInterruptibly(() => makeAgain(attempt, same.value, options), options)
    : ok(same.error);
  if (made.ok) {
    const {verdict, ...detail} = made.value;
    store.recordReproduction(attempt.id, {verdict, detail: JSON.parse(JSON.stringify(detail)) as Json});
  }
  return made;
}

/** Also ends the hashing and comparing of large outputs when a stop is asked for. */
async function runInterruptibly<T>(
  work: () => Promise<Result<T, Failure>>,
  {store, stop}: ReproduceOptions,
): Promise<Result<T, Failure>> {
  store.interruptOn(stop.asked);
  try {
    return await work();
  } catch (error) {
    if (!isInterrupted(error) && !(error instanceof Error && error.name === 'AbortError')) throw error;
    return err({reason: 'stopped'});
  } finally {
    store.interruptOn(undefined);
  }
}

interface Found {
  readonly node: StageNode;
  readonly exportName: string;
  readonly code: JobCode;
  /** What the fingerprint counts of its environment. */
  readonly environment: EnvironmentIdentity | undefined;
}

/**
 * The attempt's stage as it is today, if it is what it was; else what stands in the way. Its code is compared before any of
 * it is run. @throws UserError 'untrusted-code'
 */
async function sameStage(
  attempt: Attempt,
  {store, runtimeOf, place}: ReproduceOptions,
): Promise<Result<Found, Verdict>> {
  const cannot = (because: string) => err({verdict: 'cannot', because} as const);
  if (attempt.stage === 'source') return cannot('it comes from outside');
  if (attempt.continues?.accepted !== undefined)
    return cannot(`other code had a hand in it: ${attempt.continues.accepted}`);
  const gone = attempt.inputs.find(({artifact}) => !store.isPresent(artifact));
  if (gone !== undefined) return cannot(`the bytes of its input “${gone.port}” are not in the store any more`);
  const run = store.run(attempt.run);
  const plan = run === undefined ? undefined : frozenPlanOf(run);
  const frozen = plan?.nodes[attempt.node];
  if (plan === undefined || frozen?.type !== 'stage')
    return cannot(`run ${attempt.run} has no stage “${attempt.node}”`);
  const modules = openTrusted(plan, {...place, store: store.folder});
  const urls = findModules(frozen, modules);
  if (!urls.ok) return cannot(urls.error);
  // Not the store's cache of what modules say: that is what is to be checked.
  const code = openCurrentCode(noCache());
  const before = ingredientsOf(attempt);
  const parts = codeBehind(store, attempt);
  const since = (now: KnownIngredients): string[] =>
    differences({before, now, codeParts: (digest) => parts.get(digest) ?? code.partsOf(digest)});
  const today = codeToday(frozen, urls.value, code);
  if (!today.ok) return cannot(today.error);
  const otherCode = codeChangesSince(attempt, today.value, store, (digest) => code.partsOf(digest));
  if (otherCode.length > 0) return cannot(`changed since: ${inFewWords(otherCode)}`);
  const imported = await importNode(attempt.node, frozen, urls.value);
  if (!imported.ok) return cannot(imported.error);
  const {node, exports} = imported.value;
  const strange = edgeMistake(attempt, node.stage);
  if (strange !== undefined) return cannot(strange);
  await refuseStrangeEnvironment(plan, new Map([[node.id, node]]), modules);
  const environments = await askEnvironments({nodes: new Map([[node.id, node]])});
  const known = knownIngredients(node, {
    codeOf: (module) => code.codeOf(module),
    runtimeOf,
    environments,
    seed: attempt.seed,
  });
  const changed = since(known);
  if (changed.length > 0) return cannot(`changed since: ${inFewWords(changed)}`);
  const missing = missingVariables(node, process.env);
  if (missing.length > 0) return cannot(missing.join(', '));
  return ok({node, exportName: frozen.export, code: code.jobCodeOf(node, exports), environment: known.environment});
}

/** What counts of the code of a node, or why that cannot be said: a file that it names is gone, or is no module. */
function codeToday(
  frozen: FrozenStage,
  urls: NodeModules,
  reader: CodeReader,
): Result<Pick<KnownIngredients, 'code' | 'definitions'>, string> {
  try {
    const code = reader.codeOf(urls.stage).digest;
    const definitions = definitionsIn(frozen).map(
      ({option, definition: {name}}, index) =>
        [`${option}/${name}`, reader.codeOf(urls.definitions[index]!).digest] as const,
    );
    return ok({code, ...(definitions.length === 0 ? {} : {definitions: Object.fromEntries(definitions)})});
  } catch (error) {
    return err(`its code cannot be read: ${(error as Error).message}`);
  }
}

/** Ports and names become paths in the job folder, and the store may say anything: only what the stage declares is taken. */
function edgeMistake({inputs, outputs}: Attempt, stage: AnyStage): string | undefined {
  for (const {port, name} of inputs) {
    const declared = Object.hasOwn(stage.inputs, port) ? stage.inputs[port]! : undefined;
    if (declared === undefined || (isMany(declared) ? !NAME.test(name) : name !== ''))
      return `its stage has no input “${name === '' ? port : `${port}.${name}`}”`;
  }
  const unknown = outputs.find(({port}) => !Object.hasOwn(stage.outputs, port));
  return unknown === undefined ? undefined : `its stage has no output “${unknown.port}”`;
}

async function makeAgain(
  attempt: Attempt,
  {node, exportName, code, environment: counted}: Found,
  options: ReproduceOptions,
): Promise<Result<Verdict, Failure>> {
  const {store, executor, stop} = options;
  const note = (text: string): void => options.warn(`${node.id}: ${text}`);
  const environment = await readyEnvironment(node, {counted, note, signal: stop.asked});
  if (!environment.ok) return err(environment.error);
  const marked = markCode(code);
  if (!marked.ok) return ok(changedMeanwhile(marked.error.map((url) => fileURLToPath(url))));
  const scratch = store.scratch(`reproduce-${attempt.id}`);
  const {folder} = scratch;
  try {
    const owner = `${store.id}/reproduce-${attempt.id}`;
    const {inputs, seed} = attempt;
    const epoch = await executor.epoch();
    const {command, tag} = await prepareJobFolder({
      epoch,
      folder,
      owner,
      node,
      exportName,
      seed,
      inputs,
      store,
      code: marked.value,
      environment: environment.value,
    });
    // What was finished early is a function of its fingerprint and of the step at which it was.
    const early = earlyEndOf(attempt);
    if (early !== undefined) writeFinish(folder, early.step);
    // Placing gigabytes may have taken long.
    if (stop.asked.aborted) return err({reason: 'stopped'});
    const env = nodeVariables(node, process.env);
    const {gpu} = resourcesOf(node, await executor.gpusOfTensors?.());
    const running = await executor.start({
      folder,
      tag,
      ...(command === undefined ? {} : {command}),
      ...(env === undefined ? {} : {env}),
      ...(gpu === 0 ? {} : {gpu, signal: stop.asked, waiting: options.warn, note: options.warn}),
    });
    const end = new Terminator(running, options, {node: node.id});
    const exit = await running.exit.finally(() => end.dispose());
    const {asked, isUnwritten} = end;
    const ended = outcomeOf({folder, exit, result: readResult(folder), asked, isUnwritten});
    const outcome = checkCode(ended, {folder, ...(node.stage.argv === undefined ? {own: code.own} : {})});
    if (outcome.reason === 'code-changed') return ok(changedMeanwhile(outcome.files));
    if (!isSuccess(outcome)) return err(outcome);
    for (const {port, kind, artifact} of attempt.outputs) {
      if (statSync(outputPath(folder, port), {throwIfNoEntry: false}) === undefined)
        return err({reason: 'output-missing', port});
      const now = await store.describe(outputPath(folder, port), kind);
      if (now.digest === artifact) continue;
      const before = store.artifact(artifact);
      if (before === undefined) throw new Error(`Internal error: artifact ${artifact} was never recorded`);
      return ok({verdict: 'differs', ...(await firstDifference({port, before, now, folder, store, stop: stop.asked}))});
    }
    return ok({verdict: 'reproducible'});
  } catch (error) {
    if (stop.asked.aborted && (error as Error).name === 'AbortError') return err({reason: 'stopped'});
    if (error instanceof UnusableCommand) return err({reason: 'start-failed', message: error.message});
    throw error;
  } finally {
    await scratch.remove();
  }
}

function earlyEndOf({outcome}: Attempt): FinishedEarly | undefined {
  const recorded = outcome === undefined ? undefined : outcomeIn(outcome.detail);
  return recorded?.reason === 'finished-early' ? recorded : undefined;
}

const changedMeanwhile = (files: readonly string[]): Verdict => ({
  verdict: 'cannot',
  because: `changed in the meantime: ${files.join(', ')}`,
});

interface Compared {
  readonly port: string;
  readonly before: Artifact;
  readonly now: Artifact;
  readonly folder: string;
  readonly store: Store;
  readonly stop: AbortSignal;
}

async function firstDifference({port, before, now, folder, store, stop}: Compared): Promise<Difference> {
  const byPath = ({files}: Artifact) => new Map(files.map((file) => [file.path, file]));
  const [was, is] = [byPath(before), byPath(now)];
  const paths = [...new Set([...was.keys(), ...is.keys()])].sort();
  const other = paths.find((path) => was.get(path)?.sha256 !== is.get(path)?.sha256);
  const mode = paths.find((path) => was.get(path)?.executable !== is.get(path)?.executable);
  if (other === undefined && mode !== undefined)
    return {port, file: mode, executable: is.get(mode)?.executable === true};
  const file = other ?? '';
  if (!was.has(file) || !is.has(file) || !store.isPresent(before.digest)) return {port, file};
  const recorded = join(folder, 'recorded');
  await store.materialise(before.digest, recorded);
  const [a, b] = [join(recorded, file), join(outputPath(folder, port), file)];
  const offset = await firstDifferentByte(a, b, stop);
  if (!file.endsWith('.safetensors')) return {port, file, offset};
  const {diffTensors, readTensorHeader} = await import('../../artifacts/queries/diff-tensors.js');
  const {disk} = await import('../../artifacts/files.js');
  const [worst] = diffTensors(disk, readTensorHeader(disk, a, file), readTensorHeader(disk, b, file)).changed;
  if (worst === undefined) return {port, file, offset};
  const {name, values, largest} = worst;
  const finite = largest !== undefined && Number.isFinite(largest) ? largest : null;
  return {port, file, offset, tensor: {name, values, largest: finite}};
}

/** Offset of the first byte in which two files differ; the length of the shorter one when it is the start of the other. */
export async function firstDifferentByte(a: string, b: string, signal: AbortSignal): Promise<number> {
  const chunks = {highWaterMark: 1 << 20, signal};
  const streams = [createReadStream(a, chunks), createReadStream(b, chunks)] as const;
  const [one, other] = streams.map((stream) => stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>) as [
    AsyncIterator<Buffer>,
    AsyncIterator<Buffer>,
  ];
  let offset = 0;
  try {
    // Both streams read in pieces of the same size, so the pieces lie at the same offsets.
    for (;;) {
      const [piece, next] = await Promise.all([one.next(), other.next()]);
      if (piece.done === true || next.done === true) return offset;
      const length = Math.min(piece.value.length, next.value.length);
      for (let i = 0; i < length; i++) if (piece.value[i] !== next.value[i]) return offset + i;
      offset += length;
      if (piece.value.length !== next.value.length) return offset;
    }
  } finally {
    for (const stream of streams) stream.destroy();
  }
}
