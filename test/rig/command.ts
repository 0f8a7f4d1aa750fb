/** The real command line in a process of its own, for the tests that kill it. */
import {spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import type {TestContext} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';

const R1 = fileURLToPath(new URL('../../bin/start.cjs', import.meta.url));
const MODULES = fileURLToPath(new URL('../../bin/r1.js', import.meta.url));

/** Path of a compiled recipe under test/fixtures/recipes. */
export const recipeFile = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/recipes/${name}.js`, import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What came out on stderr so far. */
  err(): string;
  out(): string;
}

export interface Where {
  readonly cwd: string;
  /** `bin/start.cjs` of another copy of the tool. */
  readonly entry?: string;
  /** Typed into it; the input is closed behind it. */
  readonly input?: string | Uint8Array;
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A module that is loaded before it, to change others; so r1 starts from modules then, not from its one file. */
  readonly preload?: string;
  /** A program that starts it, with its arguments. */
  readonly inside?: readonly string[];
}

/** Starts `r1 …`; it is killed when the test is over. */
export function start(
  t: TestContext,
  words: readonly string[],
  {cwd, preload, entry = preload === undefined ? R1 : MODULES, input, env = {}, inside = []}: Where,
): Started {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_TEST') && !name.startsWith('R1_')),
  );
  const options = ['--enable-source-maps', ...(preload === undefined ? [] : ['--import', preload])];
  const [program, ...rest] = [...inside, process.execPath, ...options, entry, ...words];
  const child = spawn(program!, rest, {
    cwd,
    env: {...environment, ...env},
    stdio: 'pipe',
  });
  child.stdin.end(input);
  let out = '';
  let err = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  t.after(() => child.kill('SIGKILL'));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({code, signal, out, err}));
  });
  return {child, ended, err: () => err, out: () => out};
}

export const r1 = (t: TestContext, words: readonly string[], where: Where): Promise<Ended> =>
  start(t, words, where).ended;

/** A test that waits longer than this has hung, however busy the machine is, ms. */
export const PATIENCE = 240_000;

/** Waits until `look` finds something, and gives up with `what` when nothing can come of it any more. */
export async function until<T>(what: string, look: () => T | undefined | false, patience = PATIENCE): Promise<T> {
  const started = performance.now();
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() - started > patience) throw new Error(`waited in vain until ${what}`);
    await sleep(10);
  }
}
