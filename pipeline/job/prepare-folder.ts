/** Makes a job folder ready: inputs in place, `job.json` written. What happens in it then is not known here. */
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {canonicalJson} from '../../artifacts/index.js';
import type {Digest, Json, Placed, Store} from '../../artifacts/index.js';
import {countedEnvironment, withEnvironment} from '../wiring/environment.js';
import type {Environment} from '../wiring/environment.js';
import {commandLine} from './command-line.js';
import {programVariables} from './program-variables.js';
import {tagOf} from './tag.js';
import type {JobCode} from './job-code.js';
import {JOB_VERSION, absolutePaths, jobFiles, writeJob} from './folder.js';
import type {Job} from './folder.js';
import type {EnvironmentWords} from '../stage.js';
import {writeSnapshot} from '../modules/snapshot/snapshot.js';
import {isMany, resourcesOf, threadsOf} from '../wiring/nodes.js';
import type {StageNode} from '../wiring/nodes.js';

export interface JobSpec {
  readonly folder: string;
  /** What the tag of its processes begins with. */
  readonly owner: string;
  /** Of the executor that is to run it. */
  readonly epoch: string;
  readonly node: StageNode;
  /** Name under which the stage's module exports it. */
  readonly exportName: string;
  readonly seed: number;
  readonly inputs: readonly {readonly port: string; readonly name: string; readonly artifact: Digest}[];
  readonly store: Store;
  readonly code: JobCode;
  /** What the stage's environment adds to the context of `argv`. */
  readonly environment?: EnvironmentWords;
}

export interface PreparedJob {
  readonly placed: readonly Placed[];
  /** For the environment of its processes. */
  readonly tag: string;
  /** The program to start, for a stage that is one, and its variables. */
  readonly command: readonly string[] | undefined;
  readonly variables: Environment;
}

export async function prepareJobFolder(job: JobSpec): Promise<PreparedJob> {
  const {folder, owner, epoch, node, exportName, seed, inputs, store, code} = job;
  mkdirSync(folder, {recursive: true});
  const tag = tagOf(owner, folder);
  const {placed, paths} = await placeInputs(folder, node, inputs, store);
  const {stage} = node;
  const params = inOneOrder(node.params);
  const base = {
    inputs: inOneOrder(paths),
    outputs: Object.fromEntries(Object.keys(stage.outputs).map((port) => [port, `outputs/${port}`])),
    params,
    // What the fingerprint does not count must not reach the stage.
    seed: stage.seedless === true ? 0 : seed,
    threads: threadsOf(node),
    cores: resourcesOf(node).cpu,
  };
  const command = commandOf(node, folder, base, job.environment);
  const {checkpointEvery} = node.options;
  const record: Job = {
    version: JOB_VERSION,
    epoch,
    tag,
    folder,
    node: node.id,
    stage: stage.name,
    module: code.module,
    export: exportName,
    ...base,
    ...(isEmpty(code.definitions) ? {} : {definitions: code.definitions}),
    ...(command === undefined ? {} : {command}),
    ...(checkpointEvery === undefined ? {} : {checkpointEvery}),
    ...(stage.canFinishEarly === true ? {canFinishEarly: true} : {}),
    ...(isEmpty(code.snapshot) ? {} : {code: code.snapshot}),
    ...(isEmpty(code.byPath) ? {} : {byPath: code.byPath}),
  };
  if (!isEmpty(code.snapshot)) writeSnapshot(jobFiles(folder).code, code.snapshot, code.bytesOf);
  writeJob(folder, record);
  return {placed, command, tag, variables: command === undefined ? {} : programVariables(node, folder, base)};
}

const isEmpty = (record: object): boolean => Object.keys(record).length === 0;

/**
 * The value with its keys in the order in which the fingerprint counts them. A stage may go through a record of inputs or
 * shares, and then its result must not depend on how a recipe, a frozen plan or an old attempt happened to order it.
 */
const inOneOrder = <T extends Json>(value: T): T => JSON.parse(canonicalJson(value)) as T;

/** Puts the inputs of a node where a job in this folder finds them. */
export async function placeInputs(
  folder: string,
  {stage}: StageNode,
  inputs: JobSpec['inputs'],
  store: Store,
): Promise<{placed: readonly Placed[]; paths: Job['inputs']}> {
  if (inputs.length > 0) mkdirSync(jobFiles(folder).inputs, {recursive: true});
  const paths: Record<string, string | Record<string, string>> = {};
  // Also a port that takes many and was given none, which no edge speaks of.
  for (const [port, declared] of Object.entries(stage.inputs)) if (isMany(declared)) paths[port] = {};
  const places = inputs.map(({port, name, artifact}) => {
    const path = name === '' ? `inputs/${port}` : `inputs/${port}/${name}`;
    if (name === '') paths[port] = path;
    else {
      const names = (paths[port] ??= {}) as Record<string, string>;
      names[name] = path;
      mkdirSync(join(folder, 'inputs', port), {recursive: true});
    }
    return {artifact, path: join(folder, path)};
  });
  return {placed: await Promise.all(places.map(({artifact, path}) => store.materialise(artifact, path))), paths};
}

/** The command line of a stage that is a program, and the folders that such a one expects to be there. */
function commandOf(
  node: StageNode,
  folder: string,
  job: Pick<Job, 'inputs' | 'outputs' | 'params' | 'seed' | 'threads'>,
  environment: EnvironmentWords = {},
): readonly string[] | undefined {
  const {stage} = node;
  if (stage.argv === undefined) return undefined;
  const {scratch, outputs} = jobFiles(folder);
  mkdirSync(scratch);
  mkdirSync(outputs);
  const {params, seed, threads} = job;
  const context = {...environment, ...absolutePaths(folder, job), params, seed, threads, scratch} as never;
  // It is called here, but what it says of the environment must be what the program would find.
  return commandLine(() => withEnvironment(countedEnvironment(node, process.env), () => stage.argv!(context)));
}
