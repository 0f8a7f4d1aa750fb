/** Lays a model out as a folder for as long as it is talked to: an artifact of the store, a folder from anywhere, a GGUF file. */
import {existsSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {temporaryFolder} from '../../artifacts/temporary-folder.js';
import {UserError} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {EXIT} from '../exit-codes.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {onStopSignal} from '../terminal/stop-signals.js';
import {originOf} from './model-origin.js';
import type {ModelOrigin} from './model-origin.js';
import {withStore} from './with-store.js';

/** A node of a run, which has a slash and is no path; as in `artifacts/queries/reference.ts`. */
const RUN_AND_NODE = /^\d+\/[^/]+$/;

/**
 * A reference with a slash is a folder, unless it is a node of a run or ends in `.gguf`; one that does so and has a slash, or
 * leads to a file, is a GGUF file; anything else is asked of the store. `stop` is aborted by the first Ctrl-C, after which the
 * work should end soon; a second one ends the process at once. Of a model of the store it is told where that comes from.
 */
export async function withModelFolder(
  services: Services,
  options: GlobalOptions,
  reference: string,
  work: (folder: string, stop: AbortSignal, origin?: ModelOrigin) => Promise<void>,
): Promise<void> {
  const hasSlash = /[/\\]/.test(reference);
  if (/\.gguf$/i.test(reference) && (hasSlash || existsSync(reference))) {
    const {folderFromGguf} = await import('../../stages/model/gguf/index.js');
    return inScratch(services, async (folder, stop) => {
      await folderFromGguf(reference, folder, {stop});
      await work(folder, stop);
    });
  }
  if (hasSlash && (!RUN_AND_NODE.test(reference) || existsSync(join(reference, 'config.json')))) {
    if (!existsSync(reference)) {
      throw new UserError('not-found', `there is no folder ${reference}`, {
        hint: 'name the folder of a model by its path, or a node of the store: `r1 runs` and `r1 show` list them',
      });
    }
    return runInterruptibly(services, (stop) => work(reference, stop));
  }
  const {resolveArtifact} = await import('../../artifacts/queries/reference.js');
  let isFound = false;
  const use = async (store: Store): Promise<void> => {
    const {output, attempt} = await resolveArtifact(store, reference, {kind: 'model', suggest: suggestion});
    isFound = true;
    const origin = originOf(store, attempt);
    await inScratch(
      services,
      async (folder, stop) => {
        await store.materialise(output.artifact, folder);
        await work(folder, stop, origin);
      },
      store,
    );
  };
  return withStore(services, options, 'write', use).catch((error: unknown) => {
    // A folder that lies here is what a person who typed its name meant.
    if (isFound || !(error instanceof UserError) || !existsSync(reference)) throw error;
    throw new UserError(error.reason, error.message, {
      hint: `there is a folder of that name here: name it by a path, ./${reference}`,
    });
  });
}

/** With the path of a folder that is not there yet, and gone afterwards. */
async function inScratch(
  services: Services,
  work: (folder: string, stop: AbortSignal) => Promise<void>,
  store?: Store,
): Promise<void> {
  const scratch = temporaryFolder('model');
  const folder = join(scratch, 'model');
  try {
    await runInterruptibly(services, (stop) => work(folder, stop));
  } finally {
    await store?.removeTree(folder); // what a store lays out is read-only
    await rm(scratch, {recursive: true, force: true});
  }
}

/** Work that the first Ctrl-C asks to end and the second one ends. */
export async function runInterruptibly(services: Services, work: (stop: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const stopListening = onStopSignal(() => {
    // Whoever asks again does not want to wait for what computes just now.
    if (stop.signal.aborted) process.exit(EXIT.stopped);
    stop.abort();
  });
  try {
    await work(stop.signal);
  } catch (error) {
    if (isHangup(error)) stop.abort();
    else if (error !== stop.signal.reason) throw error;
  } finally {
    stopListening();
  }
  if (stop.signal.aborted) services.exit(EXIT.stopped);
}

/** What a terminal that was closed says to who reads from it, or wants it as it was; the signal may come later. */
const isHangup = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'EIO' &&
  'syscall' in error &&
  (error.syscall === 'read' || error.syscall === 'setRawMode');
