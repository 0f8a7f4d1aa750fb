/** Sees the process of an attempt to its end: its events, its log, what it uses, and the reasons to end it early. */
import type {Cost} from '../../artifacts/index.js';
import type {Emit} from '../events.js';
import type {Exit, Running} from '../executors/executor.js';
import {EventTail} from '../job/event-tail.js';
import type {Garbled} from '../job/event-tail.js';
import type {JobEvent} from '../job/event-lines.js';
import {isBeingWritten} from '../job/checkpoints.js';
import {jobFiles, readResult} from '../job/folder.js';
import type {StopRecord, Usage} from '../job/folder.js';
import {capLog} from '../job/log-cap.js';
import {Pace} from '../job/pace.js';
import {isSuccess} from '../outcome.js';
import type {Outcome} from '../outcome.js';
import {damagesOf, inputsChanged} from './input-damage.js';
import {outcomeOf} from './outcome-of.js';
import {closeAttempt, hasOutputs, recordOutcome, wallOf} from './record-outcome.js';
import type {AttemptContext, AttemptResult, ClaimedAttempt} from './record-outcome.js';
import {graceFor} from './stop.js';
import {Terminator, couldNot} from './terminate.js';
import type {Manner} from './terminate.js';

/** Between two looks at a job, ms. */
const POLL = 200;

export interface Supervision {
  /** Aborted when the process has to be stopped because another node failed. */
  readonly stop: AbortSignal;
  /** Called when the process has ended well, and its results are only left to be stored. */
  readonly endedWell?: () => void;
  /** What an earlier runner asked of it. */
  readonly askedBefore?: StopRecord | undefined;
  /** Whether its node is tried again after an end like this one, so that it has not finished yet. */
  readonly isTriedAgain?: (outcome: Outcome) => boolean;
}

/** Sees a process to its end and records what came of it; also when something unforeseen happens on the way. */
export async function superviseProcess(
  claimed: ClaimedAttempt,
  running: Running,
  context: AttemptContext,
  watching: Supervision,
): Promise<AttemptResult> {
  try {
    return await superviseToEnd(claimed, running, context, watching);
  } catch (thrown) {
    await endNow(running, context);
    // Where its end cannot be seen, that is what was thrown, and nothing more can be done about it.
    await running.exit.catch(() => undefined);
    return closeAttempt(claimed, thrown, context);
  }
}

/** Ends a process by force. That it could not be asked to is only reported: its end is waited for all the same. */
async function endNow(running: Running, {emit}: AttemptContext): Promise<void> {
  try {
    await running.kill();
  } catch (thrown) {
    emit({type: 'warning', text: couldNot('end its process', thrown)});
  }
}

async function superviseToEnd(
  claimed: ClaimedAttempt,
  running: Running,
  context: AttemptContext,
  {stop, endedWell, askedBefore, isTriedAgain}: Supervision,
): Promise<AttemptResult> {
  const {store, emit} = context;
  const {node, attempt, folder} = claimed;
  const files = jobFiles(folder);
  const isProgram = node.stage.argv !== undefined;
  const offset = store.eventsOffset(attempt);
  const pace = offset > 0 ? Pace.of(files.events) : new Pace();
  const tail = new EventTail({
    file: files.events,
    offset,
    show: (event) => {
      pace.take(event);
      show(node.id, event, emit);
    },
    keep: (points, offset) => store.addMetrics(attempt, points, offset),
    takesUnended: isProgram,
  });
  let used: Usage | undefined;
  let broken: Error | undefined;
  let polls = 0;
  const giveUp = (error: unknown): void => {
    broken ??= error instanceof Error ? error : new Error(String(error));
    void endNow(running, context);
  };
  const lookAtUsage = async (): Promise<void> => {
    used = (await running.usage()) ?? used;
  };
  const timer = setInterval(() => {
    try {
      tail.poll();
      capLog(files.log);
      void lookAtUsage().catch(giveUp);
      // That a short attempt began is recorded with its outcome; work of hours should not hang on that.
      if (polls++ === 0) void store.flush().catch(giveUp);
    } catch (error) {
      // A timer has nobody to throw to: the process is ended, and what happened is said once it is dead.
      giveUp(error);
    }
  }, POLL);
  const {timeout} = node.options;
  const end = new Terminator(
    running,
    {
      stop: context.stop,
      ...patience(context.grace, node.options.grace, pace, files.checkpoints),
      asked: (seconds) => {
        const isSaving = pace.checkpointMs === undefined ? {} : {forCheckpoint: true as const};
        emit({type: 'node-stopping', node: node.id, seconds, ...isSaving});
      },
      warn: (text) => emit({type: 'warning', text}),
    },
    {
      node: node.id,
      rest: stop,
      ...(timeout === undefined ? {} : {timeout}),
      ...(askedBefore === undefined ? {} : {askedBefore}),
    },
  );
  let garbled: Garbled | undefined;
  let exit: Exit;
  try {
    exit = await running.exit.finally(() => {
      clearInterval(timer);
      return end.dispose();
    });
    if (broken !== undefined) throw broken;
    garbled = await tail.end();
  } finally {
    tail.close();
  }
  capLog(files.log);
  const result = readResult(folder);
  // What the stage's process says of itself is exact; of a program, its time is known from its end, its memory from looks.
  const own = result.ok ? result.value?.usage : undefined;
  const time = own ?? exit.used ?? used;
  const memory = (own ?? used)?.memory;
  const cost: Cost = {
    wallMs: wallOf(folder),
    ...(time === undefined ? {} : {userMs: time.user * 1000, systemMs: time.system * 1000}),
    ...(memory === undefined ? {} : {peakBytes: memory}),
    ...(own?.read === undefined ? {} : {readBytes: own.read}),
    ...(own?.written === undefined ? {} : {writtenBytes: own.written}),
    ...(tail.tokens === undefined ? {} : {tokens: tail.tokens}),
  };
  let outcome: Outcome = outcomeOf({
    folder,
    exit,
    result,
    asked: end.asked,
    isUnwritten: end.isUnwritten,
    isForced: end.isForced,
    timeout,
    askedBefore: askedBefore !== undefined,
    peak: memory,
  });
  const damages = await damagesOf(claimed.inputs, outcome, store);
  if (isSuccess(outcome)) {
    if (garbled !== undefined && !isProgram) outcome = eventsGarbled(garbled);
    else if (damages.length > 0) outcome = inputsChanged(damages);
    else if (hasOutputs(claimed)) endedWell?.();
    if (garbled !== undefined && outcome.reason === 'succeeded') {
      // What a program has computed for days is not thrown away for a word about it.
      outcome = {...outcome, garbled};
      emit({type: 'warning', text: garbledText(node.id, garbled)});
    }
  }
  return recordOutcome(claimed, outcome, cost, context, isTriedAgain);
}

const eventsGarbled = ({line, text, message}: Garbled): Outcome => ({reason: 'events-garbled', line, text, message});

function garbledText(node: string, {lines, line, text, message}: Garbled): string {
  const first = `${JSON.stringify(text)}: ${message}`;
  return lines === 1
    ? `“${node}”: line ${line} of its events.jsonl is not an event and was left out: ${first}`
    : `“${node}”: ${lines} lines of its events.jsonl are not events and were left out; the first is line ${line}, ${first}`;
}

/**
 * For how long it is waited for once it is asked to stop: as long as a person typed, else as its node says, else as its own pace asks
 * for. Only what was typed is kept to the second where a checkpoint is being written.
 */
function patience(
  typed: number | undefined,
  ofNode: number | undefined,
  pace: Pace,
  checkpoints: string,
): Pick<Manner, 'grace' | 'isSaving'> {
  if (typed !== undefined) return {grace: typed};
  return {grace: ofNode ?? (() => graceFor(pace)), isSaving: () => isBeingWritten(checkpoints)};
}

function show(node: string, event: JobEvent, emit: Emit): void {
  switch (event.type) {
    case 'progress': {
      const {at, step, total, tokens} = event;
      emit({type: 'node-progress', node, at, step, total, ...(tokens === undefined ? {} : {tokens})});
      break;
    }
    case 'metric':
      emit({type: 'node-metric', node, name: event.name, step: event.step, value: event.value});
      break;
    case 'note':
      emit({type: 'node-note', node, text: event.text});
      break;
    case 'checkpoint':
      emit({type: 'node-checkpoint', node, step: event.step});
      break;
    case 'complete':
      break;
  }
}
