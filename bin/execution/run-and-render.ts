/** What `run` and `resume` have in common: executor, Ctrl-C, view, memory, exit code. */
import {availableParallelism} from 'node:os';
import type {RunId, Store} from '../../artifacts/index.js';
import type {RunEvent} from '../../pipeline/events.js';
import {EXIT} from '../exit-codes.js';
import {lazyExecutor} from './executor.js';
import type {Prepared} from '../../pipeline/plan/prepare.js';
import {runPlan} from '../../pipeline/run/run.js';
import type {RunSummary} from '../../pipeline/run/options.js';
import {stopOnMistake} from './recipe-guard.js';
import {stopSwitch} from '../../pipeline/run/stop.js';
import {capacityOf} from '../options/run-options.js';
import type {ManagingOptions} from '../options/run-options.js';
import {outlookOf} from '../render/outlook.js';
import {jsonView, textView} from '../render/live.js';
import type {Services} from '../cli-context.js';
import {onStopSignal} from '../terminal/stop-signals.js';
import {canRedraw} from '../terminal/terminal.js';

export interface CarryOut {
  readonly store: Store;
  readonly prepared: Prepared;
  readonly options: ManagingOptions & {readonly json?: boolean};
  readonly services: Services;
  /** What was typed. */
  readonly command: string;
  readonly resume?: RunId;
  /** What to do with checkpoints that only differ in code. */
  readonly otherCode?: 'accept' | 'refuse';
  /** Said before anything starts, e.g. code differences of a resumed run. */
  readonly warnings?: readonly string[];
}

export async function carryOut({
  store,
  prepared,
  options,
  services,
  command,
  resume,
  otherCode,
  warnings = [],
}: CarryOut): Promise<RunSummary> {
  const isLive = options.json !== true && canRedraw();
  // Asking the executor would load it, which a run with nothing to do goes without.
  const cores = Math.min(options.cpu ?? availableParallelism(), options.jobs ?? Infinity);
  const outlook = isLive ? outlookOf(prepared, cores) : undefined;
  const view = options.json === true ? jsonView(services) : textView(services, isLive, {outlook});
  const emit = (event: RunEvent) => view.show(event);
  const stop = stopSwitch();
  const press = () => {
    const how = !stop.asked.aborted ? 'checkpoint' : !stop.now.aborted ? 'kill' : undefined;
    if (how === undefined) return;
    // Said first: each stage that hears of it says what follows.
    emit({type: 'stop-asked', how});
    stop.press();
  };
  const executor = lazyExecutor();
  const stopListening = onStopSignal(press);
  const goOnAlone = stopOnMistake(press);
  try {
    for (const text of warnings) emit({type: 'warning', text});
    const summary = await runPlan(prepared, {
      store,
      executor,
      capacity: capacityOf(options),
      onFailure: options.onFailure,
      emit,
      stop,
      grace: options.grace,
      ...(options.finish === undefined ? {} : {finish: options.finish}),
      command,
      ...(resume === undefined ? {} : {resume}),
      ...(otherCode === undefined ? {} : {otherCode}),
    });
    if (summary.outcome === 'stopped') services.exit(EXIT.stopped);
    else if (summary.outcome === 'failed') services.exit(EXIT.failed);
    // Its records are whole, which is what a run is for; only who reads the events from stdout misses something.
    else if (options.json !== true) services.exit(0);
    return summary;
  } finally {
    executor.close?.();
    stopListening();
    goOnAlone();
  }
}
