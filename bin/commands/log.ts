/** `r1 log`: what a node's stage printed, as it prints it if wanted. */
import {closeSync, existsSync, openSync, readFileSync, readSync, statSync} from 'node:fs';
import {StringDecoder} from 'node:string_decoder';
import {setTimeout as sleep} from 'node:timers/promises';
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import type {AttemptId, RunId, Store} from '../../artifacts/index.js';
import {isRunning} from '../../pipeline/executors/process-table.js';
import {jobFiles, readProcess} from '../../pipeline/job/folder.js';
import {withGlobals} from '../options/global-options.js';
import {EXIT} from '../exit-codes.js';
import {isTensorflowNote} from '../render/last-words.js';
import {decided} from '../access/find-node.js';
import type {Decided} from '../access/find-node.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {onStopSignal} from '../terminal/stop-signals.js';
import {wholeNumber} from '../options/run-options.js';

interface Options extends GlobalOptions {
  readonly run?: number;
  readonly follow?: boolean;
}

const POLL = 200;

export const logCommand = (services: Services): Command =>
  withGlobals(new Command('log'), ['r1 log zero-rl', 'r1 log zero-rl --follow', 'r1 log base --run 3'])
    .description('show what the stage of a node printed, in the newest run that includes the node')
    .argument('<node>', 'the node')
    .option('--run <n>', 'the run to look into', wholeNumber)
    .option('-f, --follow', 'go on showing what is printed, until the attempt ends')
    .action(async (name: string, options: Options) => {
      const store = services.openStore(options.store, {mode: 'read'});
      try {
        const {run, node} = decided(store, name, options.run);
        if (node.attempt === undefined) {
          throw new UserError('not-found', `“${name}” did not run in run ${run.id}: ${node.because}`);
        }
        const file = jobFiles(store.jobFolder(node.attempt)).log;
        if (!existsSync(file)) {
          throw new UserError('not-found', `attempt ${node.attempt} of “${name}” has no log (any more): ${file}`);
        }
        if (options.json === true) {
          services.say(
            JSON.stringify({node: name, run: run.id, attempt: node.attempt, log: file, text: wholeLog(file)}),
          );
        } else if (options.follow === true) await follow(name, {run, node}, store, services);
        else {
          show(wholeLog(file), services);
          if (existsSync(`${file}.1`))
            services.complain('(only the end of this log was kept, since it grew beyond 16 MiB)');
        }
      } finally {
        store.close();
      }
    });

/** The part that was moved aside when the log outgrew its cap, then the current one. */
function wholeLog(file: string): string {
  const earlier = existsSync(`${file}.1`) ? readFileSync(`${file}.1`, 'utf8') : '';
  return earlier + readFileSync(file, 'utf8');
}

function show(text: string, {say}: Services): void {
  const lines = text.split('\n').filter((line) => !isTensorflowNote(line));
  const shown = lines.join('\n');
  if (shown !== '') say(shown.replace(/\n$/, ''));
}

/** Shows what is printed until the attempt has ended, or nobody is left to end it. */
async function follow(name: string, {run, node}: Decided, store: Store, services: Services): Promise<void> {
  const attempt = node.attempt!;
  const {log} = jobFiles(store.jobFolder(attempt));
  const stop = new AbortController();
  const stopListening = onStopSignal(() => stop.abort());
  const lines = new StringDecoder('utf8');
  let at = 0;
  let rest = '';
  try {
    while (!stop.signal.aborted) {
      // Asked before reading, so that what was printed last is still shown.
      const over = howOver(name, run.id, attempt, store);
      const size = statSync(log, {throwIfNoEntry: false})?.size ?? 0;
      if (size < at) at = 0; // cut, as it had outgrown its cap
      const text = rest + lines.write(readFrom(log, at, size));
      at = size;
      const end = over === undefined ? text.lastIndexOf('\n') + 1 : text.length;
      rest = text.slice(end);
      show(text.slice(0, end), services);
      if (over !== undefined) {
        if (over !== '') services.complain(over);
        return;
      }
      await sleep(POLL, undefined, {signal: stop.signal}).catch((error: unknown) => {
        if (!stop.signal.aborted) throw error;
      });
    }
    services.exit(EXIT.stopped);
  } finally {
    stopListening();
  }
}

/** Whether nothing more is to come, and the sentence that says why where the attempt did not come to its own end. */
function howOver(name: string, run: RunId, attempt: AttemptId, store: Store): string | undefined {
  if (store.attempt(attempt)?.outcome !== undefined) return '';
  const now = decided(store, name, run).node.attempt;
  if (now !== attempt) return `attempt ${attempt} was replaced${now === undefined ? '' : ` by attempt ${now}`}`;
  const isLeft = store.orphans().some((orphan) => orphan.attempt === attempt);
  // Its process may have outlived the runner; then it goes on printing.
  if (!isLeft || isProcessRunning(store.jobFolder(attempt))) return undefined;
  return `attempt ${attempt} was interrupted: its runner and its process are gone; r1 resume ${run} goes on`;
}

function isProcessRunning(folder: string): boolean {
  const record = readProcess(folder);
  return record !== undefined && isRunning(record);
}

function readFrom(file: string, from: number, to: number): Buffer {
  if (to <= from) return Buffer.alloc(0);
  const fd = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(to - from);
    const got = readSync(fd, buffer, 0, buffer.length, from);
    return buffer.subarray(0, got);
  } finally {
    closeSync(fd);
  }
}
