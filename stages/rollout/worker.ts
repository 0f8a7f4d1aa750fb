/**
 * The entry of a rollout worker: `node worker.js <pid of its parent>`, with a socket as descriptor 3. TensorFlow runs here
 * with one thread, whatever the parent trains with, so a chunk has the same bytes wherever it is drawn. Ends when its parent
 * closes the socket, and with its parent in any case.
 */
import {Socket} from 'node:net';
import {Worker} from 'node:worker_threads';
import type {Engine} from '../engine/engine.js';
import {openEngine} from '../engine/engine.js';
import type {Program} from '../engine/program.js';
import {generation} from '../engine/programs/generation.js';
import type {Chunk, Sample} from '../engine/programs/generation.js';
import {handOver} from '../model/parameters.js';
import {frameOf, receive, send} from './protocol.js';
import type {ToWorker} from './protocol.js';

type SamplingEngine = Engine<{readonly sample: Program<(chunk: Chunk) => Sample[]>}>;

const parent = Number(process.argv[2]);
if (!Number.isInteger(parent)) throw new Error('Internal error: a rollout worker was started without its parent’s pid');
// It keeps nothing alive: without a socket the worker is done.
new Worker(new URL('./guard.js', import.meta.url), {workerData: {parent}}).unref();

const socket = new Socket({fd: 3});
// The parent went away while an answer was on its way to it; there is nobody to tell.
socket.on('error', () => socket.destroy());
let order: Extract<ToWorker, {type: 'open'}> | undefined;
let engine: SamplingEngine | undefined;
/** Values that arrived since the last chunk. */
let fresh = new Map<string, Float32Array>();

/** The engine with the newest weights in it; opened by the first chunk, as it needs weights to open. */
async function ready(): Promise<SamplingEngine> {
  if (order === undefined) throw new Error('Internal error: a rollout worker was given a chunk before its order');
  const {config, sampling, mapped} = order;
  if (engine === undefined) {
    const programs = {sample: generation(sampling)};
    engine = await openEngine({config, weights: mapped ?? handOver(fresh), threads: 1, programs, silentStart: true});
  } else if (fresh.size > 0) {
    engine.write('policy', handOver(fresh));
  }
  fresh = new Map();
  return engine;
}

async function follow(message: ToWorker): Promise<void> {
  switch (message.type) {
    case 'open':
      order = message;
      return;
    case 'tensor':
      fresh.set(message.name, message.values);
      return;
    case 'draw': {
      const {run} = await ready();
      await send(socket, frameOf({type: 'drawn', samples: run.sample(message.chunk)}));
      return;
    }
  }
}

/** One message after the other: opening takes a while, and what comes meanwhile waits its turn. */
let last = Promise.resolve();
receive(socket, (message) => {
  last = last
    .then(() => follow(message as ToWorker))
    .catch(async (error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      await send(socket, frameOf({type: 'failed', message}));
    })
    // The parent is gone and with it whoever could be informed; its end ends this process too.
    .catch(() => void socket.destroy());
});
