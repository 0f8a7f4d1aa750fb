/** What `run` and `resume` have in common: executor, Ctrl-C, view, memory, exit code. */
import type {RunId, Store} from '../artifacts/index.js';
import type {RunEvent} from '../pipeline/events.js';
import {lazyExecutor} from './executor.js';
import type {Prepared} from '../pipeline/prepare.js';
import {run} from '../pipeline/run.js';
import type {RunSummary} from '../pipeline/run.js';
import {stopSwitch} from '../pipeline/stop.js';
import {capacityOf} from './commands/options.js';
import type {ManagingOptions} from './commands/options.js';
import {jsonView, textView} from './render/live.js';
import type {Services} from './services.js';

/** Ctrl-C, a polite kill, and a terminal that was closed. */
const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Exit code of a run that a person stopped, as shells have it. */
const INTERRUPTED = 130;

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
  const view = options.json === true ? jsonView(services) : textView(services, process.stderr.isTTY);
  const emit = (event: RunEvent) => view.show(event);
  const stop = stopSwitch();
  const press = () => {
    const how = stop.press();
    if (how !== undefined) emit({type: 'stop-asked', how});
  };
  const executor = lazyExecutor();
  for (const signal of STOPPING) process.on(signal, press);
  try {
    for (const text of warnings) emit({type: 'warning', text});
    const summary = await run(prepared, {
      store,
      executor,
      capacity: () => capacityOf(options),
      onFailure: options.onFailure,
      emit,
      stop,
      grace: options.grace,
      command,
      ...(resume === undefined ? {} : {resume}),
      ...(otherCode === undefined ? {} : {otherCode}),
    });
    if (summary.outcome === 'stopped') services.exit(INTERRUPTED);
    else if (summary.outcome === 'failed') services.exit(1);
    return summary;
  } finally {
    executor.close?.();
    for (const signal of STOPPING) process.off(signal, press);
  }
}
