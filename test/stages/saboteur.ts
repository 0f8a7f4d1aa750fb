/**
 * Loaded into a stage's process before the stage (`node --import`): kills that process at a moment that R1_SABOTAGE names.
 * A moment is found by watching what the stage writes, so nothing in the stage knows of it.
 */
import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {join} from 'node:path';
import {Worker} from 'node:worker_threads';

export interface Sabotage {
  /** SIGTERM comes as the runner sends it: that it was asked is written down first, and can be seen before the signal is heard. */
  readonly signal: 'SIGKILL' | 'SIGTERM';
  /**
   * `computing`: `after` milliseconds after the stage reported `step`, wherever it is then, and at its next report or its last one at
   * the latest: on a busy machine the whole stage could be over before a thread wakes up.
   * `writing`: with the first checkpoint of `step` or later on disk, but not yet in its place.
   * `written`: right after that checkpoint was put in its place.
   */
  readonly moment: 'computing' | 'writing' | 'written';
  readonly step: number;
  readonly after?: number;
}

const {signal, moment, step, after = 0} = JSON.parse(process.env['R1_SABOTAGE']!) as Sabotage;

// A thread of the stage loads this, too, has no job folder, and strikes at nothing.
const file = join(process.argv[2] ?? '', 'stop.json');
const stop = JSON.stringify({version: 1, why: 'person'});

/** A thread of its own, because native calls hold the stage's; it waits from the start so that it is quick when wanted. */
const now = new Int32Array(new SharedArrayBuffer(8));
const killer = new Worker(
  `const {workerData: {now, pid, signal, after, file, stop}} = require('node:worker_threads');
   Atomics.wait(now, 0, 0);
   Atomics.wait(now, 0, 1, after);
   if (signal === 'SIGTERM') require('node:fs').writeFileSync(file, stop);
   process.kill(pid, signal);
   Atomics.store(now, 1, 1);
   Atomics.notify(now, 1);`,
  {eval: true, workerData: {now, pid: process.pid, signal, after, file, stop}},
);
await new Promise((ready) => killer.once('online', ready));
killer.unref();

function strike(isLast = false): void {
  if (after === 0 || isLast) {
    if (signal === 'SIGTERM') fs.writeFileSync(file, stop);
    process.kill(process.pid, signal);
  } else if (Atomics.exchange(now, 0, 1) === 0) Atomics.notify(now, 0);
}

if (moment === 'computing') {
  const writeSync = fs.writeSync.bind(fs) as (...args: unknown[]) => number;
  const watched = (...args: unknown[]): number => {
    const bytes = writeSync(...args);
    const [, data] = args;
    if (typeof data === 'string' && data.startsWith('{"type":"progress"')) {
      if (Atomics.load(now, 0) === 1) Atomics.wait(now, 1, 0);
      const reported = JSON.parse(data) as {readonly step: number; readonly total: number};
      if (reported.step >= step) strike(reported.step === reported.total);
    }
    return bytes;
  };
  fs.writeSync = watched;
} else {
  const rename = fs.renameSync.bind(fs);
  fs.renameSync = (from, to) => {
    const reached = Number(/step-(\d+)$/.exec(String(to))?.[1] ?? -1) >= step;
    if (reached && moment === 'writing') strike();
    rename(from, to);
    if (reached && moment === 'written') strike();
  };
}
syncBuiltinESMExports();
