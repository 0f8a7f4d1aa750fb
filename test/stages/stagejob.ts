/** Runs a stage in a child process of its own, on a job folder written by hand: no runner, no store. */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, readdirSync, statSync} from 'node:fs';
import {join, relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {copyCheckpoint, newestCheckpoint} from '../../pipeline/job/checkpoints.js';
import {parseEvent} from '../../pipeline/job/event-lines.js';
import {jobFiles, writeJson} from '../../pipeline/job/folder.js';
import type {Job, JobResult} from '../../pipeline/job/folder.js';
import type {AnyStage, Params} from '../../pipeline/stage.js';
import type {Sabotage} from './saboteur.js';

const ENTRY = fileURLToPath(new URL('../../stages/main.js', import.meta.url));
const SABOTEUR = new URL('./saboteur.js', import.meta.url).href;

export interface StageJob {
  readonly stage: AnyStage;
  /** The name under which the stage's module exports it. */
  readonly exported: string;
  readonly inputs?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly params?: Params;
  readonly seed?: number;
  readonly threads?: number;
  readonly cores?: number;
  readonly checkpointEvery?: number;
}

/** Writes `job.json`; the folder's checkpoints, if any, are what the stage starts from. */
export function writeJob(
  folder: string,
  {stage, exported, inputs = {}, params = {}, seed = 0, threads = 1, cores = 1, checkpointEvery}: StageJob,
): void {
  mkdirSync(folder, {recursive: true});
  const inside = (path: string): string => relative(folder, resolve(path));
  const job: Job = {
    version: 1,
    epoch: 'test',
    tag: `test/${folder}`,
    node: stage.name,
    stage: stage.name,
    module: stage.module,
    export: exported,
    params: {...stage.params, ...params},
    seed,
    threads,
    cores,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([port, path]) => [
        port,
        typeof path === 'string'
          ? inside(path)
          : Object.fromEntries(Object.entries(path).map(([name, one]) => [name, inside(one)])),
      ]),
    ),
    ...(stage.definitions === undefined
      ? {}
      : {definitions: Object.fromEntries(Object.keys(stage.definitions).map((option) => [option, []]))}),
    outputs: Object.fromEntries(Object.keys(stage.outputs).map((port) => [port, join('outputs', port)])),
    ...(checkpointEvery === undefined ? {} : {checkpointEvery}),
  };
  writeJson(jobFiles(folder).job, job);
}

export interface StageEnd {
  readonly signal: NodeJS.Signals | null;
  /** What the stage wrote of its own end; nothing when it was killed. */
  readonly result?: JobResult;
  readonly stderr: string;
}

/** Runs the job in `folder` until its process is dead. */
export async function runStage(folder: string, sabotage?: Sabotage): Promise<StageEnd> {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', ...(sabotage === undefined ? [] : ['--import', SABOTEUR]), ENTRY, folder],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {...process.env, ...(sabotage === undefined ? {} : {R1_SABOTAGE: JSON.stringify(sabotage)})},
    },
  );
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const signal = await new Promise<NodeJS.Signals | null>((settle) => child.once('close', (_code, by) => settle(by)));
  const file = jobFiles(folder).result;
  return {signal, stderr, ...(existsSync(file) ? {result: JSON.parse(readFileSync(file, 'utf8')) as JobResult} : {})};
}

/** Runs `job` in a fresh folder; fails the test unless it succeeds. */
export async function make(folder: string, job: StageJob): Promise<void> {
  writeJob(folder, job);
  const {result, stderr} = await runStage(folder);
  assert.equal(result?.end, 'succeeded', stderr);
}

/** The steps that the job reported, in order. */
export const stepsOf = (folder: string): number[] =>
  readFileSync(jobFiles(folder).events, 'utf8')
    .split('\n')
    .map(parseEvent)
    .flatMap((event) => (event?.type === 'progress' ? [event.step] : []));

/** Gives a new job folder the newest whole checkpoint of an old one, as the runner does. Returns its step. */
export function continueFrom(old: string, folder: string): number | undefined {
  const newest = newestCheckpoint(jobFiles(old).checkpoints);
  if (newest === undefined) return undefined;
  mkdirSync(jobFiles(folder).checkpoints, {recursive: true});
  assert.ok(copyCheckpoint(newest, jobFiles(folder).checkpoints), 'the checkpoint could be copied');
  return newest.step;
}

/** Path → sha256 of every file that a job made. */
export function outputsOf(folder: string): Record<string, string> {
  const outputs = jobFiles(folder).outputs;
  const digests: Record<string, string> = {};
  for (const entry of readdirSync(outputs, {recursive: true, encoding: 'utf8'}).sort()) {
    const path = join(outputs, entry);
    if (statSync(path).isFile()) digests[entry] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return digests;
}

export const outputPath = (folder: string, port: string): string => join(jobFiles(folder).outputs, port);
