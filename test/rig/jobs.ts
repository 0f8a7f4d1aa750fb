/** Jobs that are programs, real ones, and a runner in a process of its own that can be killed. */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {TestContext} from 'node:test';
import type {Adoption, Executor, Running, StartRequest} from '../../pipeline/executors/executor.js';
import {localExecutor} from '../../pipeline/executors/local.js';
import type {LocalOptions, LocalProcess} from '../../pipeline/executors/local.js';
import {bootId, descendantsOf, signal} from '../../pipeline/executors/process-table.js';
import {tagOf} from '../../pipeline/job/tag.js';
import {readProcess} from '../../pipeline/executors/process-record.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import {until} from './command.js';
import {temporaryFolder} from './temporary.js';

const LOCAL = new URL('../../pipeline/executors/local.js', import.meta.url);

export interface JobRig {
  readonly executor: Executor;
  request(words: readonly string[]): StartRequest;
  job(script: string): StartRequest;
}

/** An executor whose jobs are programs, and the folders for them. */
export function setUp(t: TestContext, options: LocalOptions = {}): JobRig {
  const root = temporaryFolder(t);
  const executor = localExecutor('/nowhere/main.js', options);
  t.after(() => executor.close?.());
  const tags: string[] = [];
  // What a test that failed has left running would keep its process waiting for the end.
  t.after(() => {
    for (const tag of tags) for (const {pid} of descendantsOf({tag})) signal(pid, 'SIGKILL');
  });
  const request = (command: readonly string[]): StartRequest => {
    const folder = join(root, String(tags.length));
    mkdirSync(jobFiles(folder).scratch, {recursive: true});
    const tag = tagOf(`local-${process.pid}`, folder);
    tags.push(tag);
    return {folder, tag, command};
  };
  return {executor, request, job: (script) => request(['/bin/sh', '-c', script])};
}

/** Asks after a job as the next runner does, within one start of the machine. */
export const adopt = (executor: Executor, request: StartRequest, waiting?: (text: string) => void): Promise<Adoption> =>
  executor.adopt({...request, epoch: bootId(), ...(waiting === undefined ? {} : {waiting})});

/** That nothing of it runs any more, and what it wrote counts. */
export function assertGone(adoption: Adoption): void {
  assert.ok(adoption.state === 'gone' && adoption.trusted, JSON.stringify(adoption));
}

/** Adopts a job that is known to run. */
export async function adoptRunning(executor: Executor, request: StartRequest): Promise<LocalProcess> {
  const adoption = await adopt(executor, request);
  if (adoption.state !== 'running') throw new Error(`it does not run: ${JSON.stringify(adoption)}`);
  return adoption.running as LocalProcess;
}

export const pidOf = (running: Running): number => (running as LocalProcess).pid;

/** The shell that started a job. */
export const launcherOf = ({folder}: StartRequest): number => readProcess(folder)!.session!;

export const logOf = ({folder}: StartRequest): string => readFileSync(jobFiles(folder).log, 'utf8');

export interface Waiting {
  readonly request: StartRequest;
  readonly running: Running;
  go(): void;
}

/** A job that is there until it is told to go on. */
export async function waiting({executor, job}: JobRig, code = 0): Promise<Waiting> {
  const request = job(`until test -e go; do sleep 0.01; done; exit ${code}`);
  const running = await executor.start(request);
  await until('its process is noted', () => readProcess(request.folder));
  return {request, running, go: () => writeFileSync(join(jobFiles(request.folder).scratch, 'go'), '')};
}

/** A runner that starts jobs as they are written to it, and says the pid of each, and what one waits for. */
export function runnerOf(t: TestContext, options: Pick<LocalOptions, 'gpuLocks'> = {}) {
  const program = `
    import {createInterface} from 'node:readline';
    import {localExecutor} from ${JSON.stringify(LOCAL.href)};
    const executor = localExecutor('/nowhere/main.js', ${JSON.stringify(options)});
    createInterface(process.stdin).on('line', async (line) => {
      const running = await executor.start({...JSON.parse(line), waiting: (text) => console.log(text)});
      console.log(running.pid);
      await running.exit;
      console.log('ended');
    });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {stdio: ['pipe', 'pipe', 'inherit']});
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  return {
    ask: (request: StartRequest) => child.stdin.write(`${JSON.stringify(request)}\n`),
    said: () => said.trim().split('\n'),
    async kill() {
      const dead = once(child, 'exit');
      child.kill('SIGKILL');
      await dead;
    },
  };
}
