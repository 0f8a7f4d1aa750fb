/** How a node ended, as sentences: what happened, where to look, what to type next in this run. */
import {constants} from 'node:os';
import {unreachable} from '../../pipeline/result.js';
import type {LackOfMemory, Outcome, StageStopped} from '../../pipeline/outcome.js';
import {setupCommand} from '../../stages/tensorflow/runtime-class.js';
import {hintOf} from './hints.js';
import {bytesText} from './quantity.js';
import {isNativePartMissing} from '../access/not-set-up.js';

/** The outcome in half a sentence, to be put behind a node's name; `log` is worth reading only where it says so. */
export function outcomeText(outcome: Outcome): string {
  switch (outcome.reason) {
    case 'succeeded':
      return `succeeded${garbledText(outcome.garbled)}`;
    case 'finished-early':
      return earlyText(outcome);
    case 'stage-failed':
      return outcome.message;
    case 'stage-threw':
      return `threw ${outcome.message}`;
    case 'stage-exited':
      return exitText(outcome);
    case 'killed-by-signal':
      return `${signalText(outcome.signal, outcome.memory)}${savedText(outcome)}`;
    case 'timed-out':
      return `was stopped: its time limit of ${outcome.seconds} s was up${savedText(outcome)}`;
    case 'output-missing':
      return `ended well but never wrote its output “${outcome.port}”`;
    case 'output-refused':
      return `wrote an output “${outcome.port}” that cannot be kept: ${outcome.message}`;
    case 'result-garbled':
      return `left a result that is not one: ${outcome.message}`;
    case 'events-garbled':
      return `wrote garbled events; line ${outcome.line} is ${JSON.stringify(outcome.text)}${outcome.message === undefined ? '' : `: ${outcome.message}`}`;
    case 'inputs-changed':
      return `changed its inputs (${digestsText(outcome.digests)}), which are read-only${ofStore(outcome.outOfUse)}`;
    case 'code-changed':
      return codeChangedText(outcome);
    case 'start-failed':
      return `could not be started: ${outcome.message}`;
    case 'store-failed':
      return outcome.message;
    case 'stopped':
      return `was ${outcome.isForced === true ? 'ended by force' : 'stopped'}${stopperText(outcome)}${savedText(outcome)}${asideText(outcome.by)}`;
    case 'lost':
      return outcome.copied === true
        ? 'continues in the store that this one was copied from, if at all'
        : `${outcome.memory === undefined ? 'was killed with its runner, or by a power cut' : `was killed (${lackText(outcome.memory)})`}${savedText(outcome)}`;
    case 'unreachable':
      return outcome.message;
    case 'superseded':
      return 'was overtaken by another runner, whose result counts';
    case 'unexpected-error':
      return `met an error of r1 itself: ${outcome.stack ?? outcome.message}`;
    default:
      return unreachable(outcome);
  }
}

/** Where an attempt starts, to be put behind why; nothing where it starts from the beginning. */
export const checkpointText = (from: {readonly attempt: number; readonly step: number} | undefined): string =>
  from === undefined ? '' : `, from the checkpoint at step ${from.step} of attempt ${from.attempt}`;

function garbledText(garbled: Extract<Outcome, {reason: 'succeeded'}>['garbled']): string {
  if (garbled === undefined) return '';
  const {lines, line} = garbled;
  return lines === 1
    ? `; line ${line} of its events.jsonl is not an event and was left out`
    : `; ${lines} lines of its events.jsonl are not events and were left out; the first is line ${line}`;
}

/** How a success that is not all of its steps is told. */
export const earlyText = ({step, total}: {readonly step: number; readonly total: number}): string =>
  `finished early, after step ${step} of ${total}, as asked`;

/** How much of its work is safe: a person wants to know before they resume, or wonder where hours have gone. */
function savedText({
  step,
  reached,
}: Extract<Outcome, {reason: 'stopped' | 'lost' | 'killed-by-signal' | 'timed-out'}>): string {
  if (step === undefined) return '';
  if (reached === undefined) return step === null ? ', without a checkpoint' : `, checkpoint of step ${step} kept`;
  if (step === null) return ` after step ${reached}, without a checkpoint: it will begin again`;
  const lost = reached - step;
  return ` after step ${reached}; the newest checkpoint is of step ${step}, ${lost === 1 ? 'one step' : `${lost} steps`} will be made again`;
}

const digestsText = (digests: readonly string[]): string =>
  digests.map((digest) => `@${digest.slice(0, 8)}`).join(', ');

/** What became of the store's own bytes. */
function ofStore(outOfUse: readonly string[] | undefined): string {
  if (outOfUse === undefined) return '';
  if (outOfUse.length === 0) return '; what the store keeps is untouched';
  return `; the changed bytes in the store (${digestsText(outOfUse)}) were quarantined`;
}

/** What exit codes mean that no program chose for itself: the shell's, Node's, and of `sysexits.h` the one for files. */
const EXITS: Readonly<Record<number, string>> = {
  7: 'for Node: what it wanted to say at its end could not be written; is the disk full?',
  13: 'for Node: it waited for a promise that never settled',
  74: 'a file could not be written; is the disk full?',
  75: 'it asked for another try',
  126: 'its program cannot be executed: not a program, or no permission',
  127: 'its program was not found',
};

/** Shells report a signal as 128 and its number. */
const SIGNALLED = 128;

function exitText({exitCode: code, said, memory}: Extract<Outcome, {reason: 'stage-exited'}>): string {
  const why = said === undefined ? '' : `: ${said}`;
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - SIGNALLED)?.[0];
  if (signal !== undefined) return `${signalText(signal, memory)}, exit code ${code}${why}`;
  const meaning = memory === undefined ? EXITS[code] : `a process was killed ${lackText(memory)}`;
  return `exited with ${code} before it was done${meaning === undefined ? '' : ` (${meaning})`}${why}`;
}

const SIGNALS: Readonly<Record<string, string>> = {
  SIGKILL: 'out of memory, or by hand',
  SIGSEGV: 'a crash in native code: memory that is not its own',
  SIGBUS: 'a crash in native code, or a full disk under a mapped file',
  SIGILL: 'a crash in native code: an instruction that this processor does not have',
  SIGFPE: 'a crash in native code: arithmetic',
  SIGABRT: 'it gave up by itself: out of memory for Node, or a failed check in native code',
  SIGXCPU: 'its limit of processor time, `ulimit -t`',
  SIGXFSZ: 'its limit of file size, `ulimit -f`',
};

function signalText(signal: string, memory?: LackOfMemory): string {
  const meaning = memory === undefined ? SIGNALS[signal] : lackText(memory);
  return `was killed by ${signal}${meaning === undefined ? '' : ` (${meaning})`}`;
}

/** Who killed it, as far as the kernel's counters tell; with what there was of memory, and what it had. */
function lackText({ended, bytes, of, peak}: LackOfMemory): string {
  if (ended === 'none') return 'by hand or by another program: the kernel killed nothing for lack of memory';
  const had = peak === undefined ? [] : [`its main process had ${bytesText(peak)} when last seen`];
  const has =
    bytes === undefined ? [] : [`${of === 'group' ? 'its control group' : 'the machine'} has ${bytesText(bytes)}`];
  const facts = [...had, ...has];
  const who =
    ended === 'own'
      ? 'by the kernel, out of memory'
      : 'probably by the kernel, which killed something for lack of memory';
  return facts.length === 0 ? who : `${who}: ${facts.join(', ')}`;
}

/** Lines behind the first one stand below it, so that none of them passes for a line of its own. */
export const indented = (text: string, width: number): string => text.replaceAll('\n', `\n${' '.repeat(width)}`);

/** Who asked for it, so that a person tells what they did from what happened to them. */
function stopperText({by, isForced}: StageStopped): string {
  if (by === 'failure') return ' because another node failed';
  if (by === 'unwanted') return ' because no run wanted it any more';
  return by === 'person' && isForced !== true ? ' by you' : '';
}

function asideText(by: StageStopped['by']): string {
  if (by === 'earlier-runner') return ' (an earlier run had asked for it)';
  return typeof by === 'object' ? ` (${by.signal} from outside of r1 or from the program itself)` : '';
}

function codeChangedText({when, files, own}: Extract<Outcome, {reason: 'code-changed'}>): string {
  const what = own === true ? `r1 itself was rebuilt (${files.join(', ')})` : `${files.join(', ')} changed`;
  return when === 'starting'
    ? `was not started: ${what} since it was planned`
    : `${what} while it ran, so nobody can say what it was made with`;
}

/** A shell is not told who sent a signal: one that a program sends to its own process group looks like any other. */
const DECLARE =
  'a program that ends its own process group (`kill 0`) first declares that it is done, by the line ' +
  '{"type":"complete","version":1,"at":0} in $R1_JOB/events.jsonl';

/** What to type next after a run in which `node` failed like this. */
export function nextStep(node: string, outcome: Outcome, run: number, params: readonly string[] = []): string {
  switch (outcome.reason) {
    case 'store-failed':
      return hintOf(outcome) ?? `r1 resume ${run}`;
    case 'stopped':
      if (typeof outcome.step === 'number') return `r1 resume ${run} continues from the checkpoint`;
      return `r1 resume ${run} runs it again${typeof outcome.by === 'object' ? `; ${DECLARE}` : ''}`;
    case 'stage-failed': {
      if (typeof outcome.file === 'string') return `correct ${outcome.file}; then r1 resume ${run}`;
      const change = params.length === 0 ? '' : `, or change a param: r1 run … --set ${node}.PARAM=VALUE`;
      return `r1 log ${node} --run ${run}; then r1 resume ${run}${change}`;
    }
    case 'stage-threw':
      return isNativePartMissing(outcome.message)
        ? `r1 is not set up here: ${setupCommand}; then r1 resume ${run}`
        : `r1 log ${node} --run ${run}; then r1 resume ${run}`;
    case 'inputs-changed':
      return 'r1 verify says what else is affected; then r1 run makes it again';
    case 'code-changed':
      return 'r1 run makes it again with today’s code';
    case 'unreachable':
      return `r1 resume ${run} asks again`;
    default:
      return `r1 log ${node} --run ${run}; then r1 resume ${run}`;
  }
}
