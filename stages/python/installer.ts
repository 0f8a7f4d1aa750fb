/** Runs what makes an environment (uv, venv, pip): tells what is fetched, and ends it when it is not wanted any more. */
import {spawn} from 'node:child_process';
import {endGroup, withoutPython} from './interpreter.js';

/** MB from which a file is worth a line of its own. */
const LARGE = 5;

/** Seconds between the request to end and the end by force. */
const GRACE = 3;

/** How a program ended, and the end of what it said. One that could not be started has the code 127. */
export function runInstaller(
  program: string,
  words: readonly string[],
  {
    env,
    signal,
    note,
  }: {readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal; readonly note: (text: string) => void},
): Promise<{code: number; said: string}> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve({code: 1, said: ''});
      return;
    }
    // In a group of its own: Ctrl-C in a terminal is told to r1 alone, which then ends it with all that it started.
    const child = spawn(program, words, {env: withoutPython(env), stdio: ['ignore', 'pipe', 'pipe'], detached: true});
    let force: NodeJS.Timeout | undefined;
    const stop = (): void => {
      endGroup(child.pid, 'SIGTERM');
      force = setTimeout(() => endGroup(child.pid, 'SIGKILL'), GRACE * 1000);
    };
    signal.addEventListener('abort', stop, {once: true});
    const end = (code: number, text: string): void => {
      clearTimeout(force);
      signal.removeEventListener('abort', stop);
      resolve({code, said: text});
    };
    let said = '';
    let line = '';
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-8_000);
      const lines = (line + chunk.toString()).split(/[\r\n]+/);
      line = lines.pop()!;
      for (const each of lines) {
        const fetched = fetchedIn(each);
        if (fetched !== undefined) note(fetched);
      }
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', ({message}) => end(127, message));
    child.on('close', (code) => end(code ?? 1, said));
  });
}

/** `  Downloading torch-2.7.0-cp311-….whl (821.2 MB)` of pip, `Downloading torch (783.1MiB)` of uv. */
export function fetchedIn(line: string): string | undefined {
  const [, name, amount, unit] = /^\s*Downloading (\S+) \(([\d.]+)\s?([kMG])i?B\)/.exec(line) ?? [];
  if (name === undefined || unit === 'k' || (unit === 'M' && Number(amount) < LARGE)) return undefined;
  return `fetching ${name.split('/').at(-1)} (${amount} ${unit}B)`;
}
