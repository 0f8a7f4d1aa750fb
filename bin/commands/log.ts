/** `r1 log`: what a node's stage printed, as it prints it if wanted. */
import {Command} from 'commander';
import type {Store} from '../../artifacts/index.js';
import {followLog, logOf, readLog} from '../../pipeline/inspect/log.js';
import type {LogEnd, NodeLog} from '../../pipeline/inspect/log.js';
import {unreachable} from '../../pipeline/result.js';
import {isTensorflowNote} from '../../stages/tensorflow/native-notes.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {lazyExecutor} from '../execution/executor.js';
import {EXIT} from '../exit-codes.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {onStopSignal} from '../terminal/stop-signals.js';

interface LogOptions extends GlobalOptions {
  readonly run?: number;
  readonly follow?: boolean;
}

export const logCommand = (services: Services): Command =>
  withGlobals(new Command('log'), ['r1 log zero-rl', 'r1 log zero-rl --follow', 'r1 log 3/base'])
    .description('show what the stage of a node printed, in the newest run that includes the node')
    .argument('<node>', '[run/]node')
    .option('--run <n>', 'the run to look into', wholeNumber)
    .option('-f, --follow', 'keep showing what is printed, until the attempt ends')
    .action(async (name: string, {run: wanted, follow: isFollowed, json, ...options}: LogOptions) => {
      await withStore(services, options, 'read', async (store) => {
        const log = logOf(store, name, wanted);
        if (json === true) {
          const {node, run, attempt, file} = log;
          services.say(JSON.stringify({node, run, attempt, log: file, text: readLog(log).text}));
        } else if (isFollowed === true) await follow(store, log, services);
        else {
          const {text, isCut} = readLog(log);
          show(text, services);
          if (isCut) services.complain('(only the end of this log was kept, since it grew beyond 16 MiB)');
        }
      });
    });

function show(text: string, {say}: Services): void {
  const lines = text.split('\n').filter((line) => !isTensorflowNote(line));
  const shown = lines.join('\n');
  if (shown !== '') say(shown.replace(/\n$/, ''));
}

async function follow(store: Store, log: NodeLog, services: Services): Promise<void> {
  const stop = new AbortController();
  const stopListening = onStopSignal(() => stop.abort());
  const executor = lazyExecutor();
  try {
    const pieces = followLog(store, log, {executor, signal: stop.signal});
    let piece = await pieces.next();
    for (; piece.done !== true; piece = await pieces.next()) show(piece.value, services);
    const text = endText(piece.value, log);
    if (text !== undefined) services.complain(text);
    if (piece.value.reason === 'aborted') services.exit(EXIT.stopped);
  } finally {
    executor.close?.();
    stopListening();
  }
}

/** The sentence that says why nothing more comes where the attempt did not come to its own end. */
function endText(end: LogEnd, {attempt, run}: NodeLog): string | undefined {
  switch (end.reason) {
    case 'ended':
    case 'aborted':
      return undefined;
    case 'replaced':
      return `attempt ${attempt} was replaced${end.by === undefined ? '' : ` by attempt ${end.by}`}`;
    case 'interrupted':
      return `attempt ${attempt} was interrupted: its runner and its process are gone; r1 resume ${run} continues it`;
    default:
      return unreachable(end);
  }
}
