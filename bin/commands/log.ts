/** `r1 log`: what a node's stage printed, as it prints it if wanted. */
import {closeSync, existsSync, openSync, readFileSync, readSync, statSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import type {AttemptId, Store} from '../../artifacts/index.js';
import {jobFiles} from '../../pipeline/jobfolder.js';
import {withGlobals} from '../globals.js';
import {decided} from '../noderef.js';
import type {GlobalOptions, Services} from '../services.js';
import {wholeNumber} from './options.js';

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
        } else if (options.follow === true) await follow(file, node.attempt, store, services);
        else show(wholeLog(file), services);
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
  if (text !== '') say(text.replace(/\n$/, ''));
}

async function follow(file: string, attempt: AttemptId, store: Store, services: Services): Promise<void> {
  let at = 0;
  let rest = '';
  for (;;) {
    // Asked before reading, so that what was printed last is still shown.
    const over = store.attempt(attempt)?.outcome !== undefined;
    const size = statSync(file).size;
    if (size < at) at = 0; // cut, as it had outgrown its cap
    const [text, lines] = wholeLines(rest + readFrom(file, at, size));
    at = size;
    rest = text;
    show(lines, services);
    if (over) {
      show(rest, services);
      return;
    }
    await sleep(POLL);
  }
}

/** The unfinished last line, and all before it. */
function wholeLines(text: string): [string, string] {
  const end = text.lastIndexOf('\n') + 1;
  return [text.slice(end), text.slice(0, end)];
}

function readFrom(file: string, from: number, to: number): string {
  if (to <= from) return '';
  const fd = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(to - from);
    const got = readSync(fd, buffer, 0, buffer.length, from);
    return buffer.toString('utf8', 0, got);
  } finally {
    closeSync(fd);
  }
}
