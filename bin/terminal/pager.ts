/**
 * What is longer than the screen, through the pager that a person has chosen: `PAGER`, else `less`, else none. What is handed in may be
 * shown on a terminal as it is; `terminal.ts` sees to that.
 */
import {spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {setImmediate as soon} from 'node:timers/promises';
import {UserError} from '../../artifacts/index.js';
import {widthOf} from './columns.js';
import type {Output} from './output.js';

/** A screen whose height nobody knows. */
const USUAL_ROWS = 24;

/** What a pager may be told by the environment, where it is not: colors pass, one screen is printed, what was seen stays, all is UTF-8. */
const SETTINGS = {LESS: 'FRX', LV: '-c', LESSCHARSET: 'utf-8'};

/** How a shell ends that cannot find or start a program. */
const NOT_STARTED = new Set([126, 127]);

/** `undefined` where nothing is to page: `PAGER` is empty or `cat`, or the terminal cannot do anything. */
export function pagerCommand({PAGER, TERM}: NodeJS.ProcessEnv): string | undefined {
  if (TERM === 'dumb') return undefined;
  const command = (PAGER ?? 'less').trim();
  return command === '' || command === 'cat' ? undefined : command;
}

/** Takes a result piece by piece. */
export interface LongOutput {
  /** Whether anybody reads any more. */
  show(text: string): Promise<boolean>;
  /** Shows what is still held back, and waits until the pager has been closed. @throws UserError the pager of `PAGER` cannot be started */
  end(): Promise<void>;
}

/** As it comes, without a pager. */
export const plainOutput = (out: Output): LongOutput => ({
  async show(text) {
    out.write(text);
    await soon(); // what was closed shows a moment later
    return !out.isGone;
  },
  end: () => Promise.resolve(),
});

/** As it comes as long as it fits the screen, and all of it through the pager when it does not. */
export function pagedOutput(out: Output, columns: () => number): LongOutput {
  const command = pagerCommand(process.env);
  if (command === undefined || !out.isTerminal) return plainOutput(out);
  let held = '';
  let rows = 0;
  let to: LongOutput | undefined;
  const begin = async (): Promise<LongOutput> => {
    to = (await startPager(command)) ?? plainOutput(out);
    return to;
  };
  return {
    async show(text) {
      if (to !== undefined) return to.show(text);
      held += text;
      rows += rowsOf(text, columns());
      // One row is the shell's.
      if (rows < (out.rows ?? USUAL_ROWS)) return true;
      return (await begin()).show(held);
    },
    async end() {
      if (to === undefined) out.write(held);
      await to?.end();
    },
  };
}

const rowsOf = (text: string, columns: number): number =>
  text
    .split('\n')
    .slice(0, -1)
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);

/** `undefined` where there is no `less`, which nobody asked for. */
async function startPager(command: string): Promise<LongOutput | undefined> {
  const isChosen = process.env['PAGER'] !== undefined;
  const options = {
    stdio: ['pipe', 'inherit', 'inherit'] satisfies ['pipe', 'inherit', 'inherit'],
    env: {...SETTINGS, ...process.env},
  };
  // As other tools do, since it may have arguments: `less -S`.
  const pager = isChosen ? spawn('/bin/sh', ['-c', command], options) : spawn(command, options);
  try {
    await once(pager, 'spawn');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return outputOf(pager, command);
}

function outputOf(pager: ChildProcess, command: string): LongOutput {
  const input = pager.stdin!;
  let isOpen = true;
  let wake = (): void => undefined;
  const shut = (): void => {
    isOpen = false;
    wake();
  };
  const closed = new Promise<number | null>((resolve) => pager.once('close', resolve));
  pager.once('exit', shut);
  input.on('drain', () => wake());
  // Whoever has seen enough closes it in the middle of a text.
  input.on('error', shut);
  input.on('close', shut);
  // The pager's business, which shares the terminal with this process.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  return {
    async show(text) {
      if (isOpen && !input.write(text)) await new Promise<void>((resolve) => (wake = resolve));
      return isOpen;
    },
    async end() {
      input.end();
      const code = await closed;
      process.off('SIGINT', ignore);
      if (code !== null && NOT_STARTED.has(code))
        throw new UserError('bad-argument', `the pager “${command}” could not be started`, {
          hint: 'the variable PAGER names it; --no-pager shows results without one',
        });
    },
  };
}
