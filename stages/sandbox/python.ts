/** Which Python runs the programs of models, and the proof that the sandbox holds: tried with it, not believed. */
import {execFile} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {StageFailure} from '../../pipeline/stage.js';
import {limitsOf} from './limits.js';
import type {SandboxKind} from './names.js';
import {programPath, sandboxOf, type Sandbox} from './sandbox.js';

/** A Python in a sandbox that has been tried. */
export interface PythonSandbox {
  readonly sandbox: Sandbox;
  /** The interpreter's path. */
  readonly python: string;
  /** Its version, e.g. 3.11.2. */
  readonly version: string;
  /** Words that start it on Python files of this package, one behind the other: no site packages, nothing of the user's. */
  argv(...files: readonly URL[]): string[];
}

/** Python lies in the sources, as it is. */
const PROBE = new URL('../../../stages/sandbox/probe.py', import.meta.url);

/** Limits of the probe, and of nothing else. */
const PROBE_LIMITS = limitsOf(10, {processes: 8});

interface Interpreter {
  readonly python: string;
  readonly prefix: string;
  readonly version: string;
}

/**
 * Finds a Python 3.8 or newer that runs in the sandbox, and proves there that the sandbox holds: network refused, system read-only,
 * nothing of this process to be seen, limits in force.
 *
 * @param kind `none-i-trust-every-program` proves nothing
 * @param wanted the interpreter to take; without it the first of python3 on the PATH and the system's that runs
 * @throws {StageFailure} where there is none, and where the sandbox does not hold, with what came through
 */
export async function openPythonSandbox(kind: SandboxKind, wanted?: string): Promise<PythonSandbox> {
  const found = [
    wanted ?? programPath('python3'),
    ...(wanted === undefined ? ['/usr/bin/python3', '/usr/local/bin/python3'] : []),
  ];
  const failures: string[] = [];
  for (const python of new Set(found.filter((each) => each !== undefined))) {
    const interpreter = await describe(python);
    if (typeof interpreter === 'string') {
      failures.push(`${python}: ${interpreter}`);
      continue;
    }
    const sandbox = sandboxOf(kind, [interpreter.prefix]);
    const opened: PythonSandbox = {
      sandbox,
      python: interpreter.python,
      version: interpreter.version,
      // -I: no environment variables and no user's folder; -S: no site packages; -c, as no file of ours is visible inside.
      argv: (...files) => [interpreter.python, '-I', '-S', '-B', '-c', files.map(sourceOf).join('\n')],
    };
    const failure = kind === 'bubblewrap' ? await prove(opened) : undefined;
    if (failure === undefined) return opened;
    failures.push(`${python}: ${failure}`);
  }
  throw new StageFailure(
    found.every((each) => each === undefined)
      ? 'programs are tested with Python 3, which is not installed'
      : `programs cannot be run in a sandbox that holds. ${failures.join('; ')}`,
  );
}

const sources = new Map<string, string>();

function sourceOf({href}: URL): string {
  const known = sources.get(href) ?? readFileSync(fileURLToPath(href), 'utf8');
  sources.set(href, known);
  return known;
}

const DESCRIBE =
  'import sys, json; print(json.dumps([getattr(sys, "_base_executable", sys.executable), sys.base_prefix, ' +
  '"%d.%d.%d" % sys.version_info[:3], sys.version_info >= (3, 8)]))';

/** What an interpreter says of itself, or why it cannot be used. It is the user's own and runs outside of the sandbox. */
async function describe(python: string): Promise<Interpreter | string> {
  try {
    const {stdout} = await promisify(execFile)(python, ['-I', '-c', DESCRIBE], {timeout: 30_000});
    const [executable, prefix, version, isNew] = JSON.parse(stdout) as [string, string, string, boolean];
    return isNew ? {python: executable, prefix, version} : `Python ${version} is older than 3.8`;
  } catch (error) {
    return `does not start (${(error as Error).message.trim().split('\n').at(-1) ?? ''})`;
  }
}

/** What the probe found that it must not find; `undefined` where the sandbox holds. */
async function prove({sandbox, argv}: PythonSandbox): Promise<string | undefined> {
  const canary = path.join(tmpdir(), `r1-probe-${randomBytes(8).toString('hex')}`);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  try {
    writeFileSync(canary, '');
    const {port} = server.address() as {port: number};
    const running = sandbox.start(argv(PROBE), {limits: PROBE_LIMITS});
    running.stdin.end(JSON.stringify({canary, port, processes: PROBE_LIMITS.processes}));
    const [out, errors, end] = await Promise.all([textOf(running.stdout), textOf(running.stderr), running.ended]);
    if (end.how !== 'exited' || end.code !== 0 || out === '')
      return `it does not start in bubblewrap: ${errors.trim().slice(-300) || JSON.stringify(end)}${hintOf(errors)}`;
    const cracks = JSON.parse(out) as string[];
    return cracks.length === 0 ? undefined : `the sandbox does not hold here: ${cracks.join(', ')}`;
  } finally {
    server.close();
    rmSync(canary, {force: true});
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function hintOf(errors: string): string {
  if (/disable-userns|Unknown option/.test(errors)) return ' (bubblewrap 0.8 or newer is needed)';
  if (/namespace|uid map|Operation not permitted/.test(errors))
    return (
      ' (this machine or container lets nobody make user namespaces: see kernel.unprivileged_userns_clone, ' +
      'kernel.apparmor_restrict_unprivileged_userns, or the seccomp profile of the container)'
    );
  return '';
}
