/** Gives the GPUs of this machine to jobs, each to one at a time. Loaded with the first job that holds one. */
import {setTimeout as sleep} from 'node:timers/promises';
import type {StartRequest} from './executor.js';
import {lockFile, lockFolder, ownFolder, readHolder, startLocked, writeHolder} from './gpu-locks.js';
import {writeGpus} from './gpu-record.js';
import {findGpus, programIn} from './gpus.js';
import type {FoundGpus, Gpu} from './gpus.js';
import type {Launcher} from './launcher-shell.js';

/** What a job has of GPUs. */
export interface HeldGpus {
  /** Set for the job, over what it would inherit. */
  readonly variables: Readonly<Record<string, string>>;
  /** The shell that holds the locks and is to start the job, and nothing after it. */
  readonly launcher?: Launcher;
  /** Writes into the locks which process holds them. */
  started(pid: number): void;
  /** To be called once nothing is left of the job. Resolves when the devices are free. */
  release(): Promise<void>;
}

export interface GpuPoolOptions {
  /** How many GPUs there are where the system does not tell. */
  readonly fallback: () => number;
  /** Where the locks are. */
  readonly folder?: string | undefined;
}

/** Between two tries to get devices that others hold, ms: at first, and at most. */
const FIRST_WAIT = 20;
const LONGEST_WAIT = 1000;

/** Who waits longer than this says so, ms: a job that ends holds its devices until its last process is gone. */
const SLOW = 500;

export class GpuPool {
  readonly #fallback: () => number;
  readonly #folder: string;
  #found: Promise<FoundGpus> | undefined;
  /** Device → folder of the job of this runner that holds it. */
  readonly #held = new Map<string, string>();
  /** `undefined` where there is none, or none that can be used. */
  #flock: string | undefined;
  /** Why others are not kept away, until it has been said. */
  #unsaid: string | undefined;

  constructor({fallback, folder = lockFolder()}: GpuPoolOptions) {
    this.#fallback = fallback;
    this.#folder = folder;
    this.#flock = programIn(process.env['PATH'], 'flock');
    if (this.#flock === undefined) this.#goOnWithout('there is no flock here');
  }

  /** Found once: who adds a GPU starts a new runner. */
  #find(): Promise<FoundGpus> {
    return (this.#found ??= findGpus(this.#fallback));
  }

  async count(): Promise<number> {
    return (await this.#find()).all.length;
  }

  /**
   * Waits until as many devices as the job asks for, or all that there are, are free, and takes them all at once, so that two that
   * wait never hold what the other needs. A job whose own environment names devices gets these.
   *
   * @throws AbortError when the job is not wanted any more; it holds none then
   */
  async take({folder, gpu = 0, env, waiting, note, signal}: StartRequest): Promise<HeldGpus> {
    const {all, variables, named} = await this.#find();
    const own = env?.['CUDA_VISIBLE_DEVICES'];
    // One that is passed on as it is names all that there are.
    const isNamed = own !== undefined && own !== process.env['CUDA_VISIBLE_DEVICES'];
    const wanted = isNamed ? named(own) : all;
    const count = isNamed ? wanted.length : Math.min(gpu, wanted.length);
    if (count === 0) return {variables: {R1_GPUS: '0'}, started: () => undefined, release: () => Promise.resolve()};
    const held = await this.#wait({wanted, count, folder, waiting: waiting ?? (() => undefined), signal});
    if (this.#unsaid !== undefined) note?.(this.#unsaid);
    this.#unsaid = undefined;
    const visible = held.gpus.map((gpu) => gpu.visible).join(',');
    return {...held, variables: {...(isNamed ? {} : variables), CUDA_VISIBLE_DEVICES: visible, R1_GPUS: String(count)}};
  }

  /** Notes what a job holds that was started by another runner. Returns what takes that back. */
  hold(ids: readonly string[], folder: string): () => void {
    for (const id of ids) this.#held.set(id, folder);
    return () => {
      for (const id of ids) if (this.#held.get(id) === folder) this.#held.delete(id);
    };
  }

  async #wait({wanted, count, folder, waiting, signal}: Wanted): Promise<Taken> {
    const asked = performance.now();
    let said = '';
    for (let pause = FIRST_WAIT; ; pause = Math.min(pause * 2, LONGEST_WAIT)) {
      signal?.throwIfAborted();
      const elsewhere = new Set<string>();
      const taken = await this.#try(wanted, count, folder, elsewhere);
      if (taken !== undefined) return taken;
      const text = `waiting for ${count === 1 ? 'a GPU' : `${count} GPUs`}: ${this.#holders(wanted, elsewhere)}`;
      if (text !== said && performance.now() - asked > SLOW) {
        waiting(text);
        said = text;
      }
      await sleep(pause, undefined, {signal});
    }
  }

  /**
   * All that are asked for, or `undefined` where that many are not free.
   *
   * @param elsewhere those that are found to be held by others are added
   */
  async #try(
    wanted: readonly Gpu[],
    count: number,
    folder: string,
    elsewhere: Set<string>,
  ): Promise<Taken | undefined> {
    for (;;) {
      const gpus = wanted.filter(({id}) => !this.#held.has(id) && !elsewhere.has(id)).slice(0, count);
      if (gpus.length < count) return undefined;
      // At once, so that no other job of this runner tries the same.
      const giveBack = this.hold(
        gpus.map(({id}) => id),
        folder,
      );
      try {
        const taken = await this.#lock(gpus, folder, giveBack);
        if (typeof taken === 'object') return taken;
        giveBack();
        if (taken !== undefined) elsewhere.add(taken);
      } catch (error) {
        giveBack();
        throw error;
      }
    }
  }

  /** The id of the device that somebody else holds, where that is why nothing was taken; `undefined` where it is to be tried again. */
  async #lock(gpus: readonly Gpu[], folder: string, giveBack: () => void): Promise<Taken | string | undefined> {
    if (this.#flock === undefined) {
      writeGpus(folder, {version: 1, gpus});
      return {gpus, started: () => undefined, release: async () => giveBack()};
    }
    ownFolder(this.#folder);
    const files = gpus.map(({id}) => lockFile(this.#folder, id));
    const locking = await startLocked(this.#flock, files);
    switch (locking.state) {
      case 'held':
        return gpus[locking.index]!.id;
      case 'lost':
        return undefined;
      case 'unusable':
        this.#flock = undefined;
        this.#goOnWithout(`flock cannot be used here: ${locking.why}`);
        return undefined;
      case 'locked': {
        const {launcher} = locking;
        const started = (pid: number): void => {
          for (const file of files) writeHolder(file, {pid, job: folder});
        };
        const release = async (): Promise<void> => {
          await launcher.end();
          giveBack();
        };
        try {
          started(launcher.pid);
          writeGpus(folder, {version: 1, gpus: gpus.map((gpu, i) => ({...gpu, lock: files[i]!}))});
        } catch (error) {
          await release();
          throw error;
        }
        return {gpus, launcher, started, release};
      }
    }
  }

  #goOnWithout(why: string): void {
    this.#unsaid = `${why}, so other runs on this machine may use the same GPUs (flock is part of util-linux)`;
  }

  /** `0 is held by the job in … (process 12), 1 and 2 by another node of this run`. */
  #holders(wanted: readonly Gpu[], elsewhere: ReadonlySet<string>): string {
    const by = new Map<string, string[]>();
    for (const {visible, id} of wanted) {
      if (!this.#held.has(id) && !elsewhere.has(id)) continue;
      const holder = this.#flock === undefined ? undefined : readHolder(lockFile(this.#folder, id));
      let who = 'another job of this run';
      if (!this.#held.has(id))
        who = holder === undefined ? 'another process' : `the job in ${holder.job} (process ${holder.pid})`;
      by.set(who, [...(by.get(who) ?? []), visible]);
    }
    return [...by]
      .map(([who, gpus]) => `${listed(gpus)} ${gpus.length === 1 ? 'is' : 'are'} held by ${who}`)
      .join('; ');
  }
}

interface Wanted extends Pick<StartRequest, 'folder' | 'signal'> {
  readonly waiting: (text: string) => void;
  readonly wanted: readonly Gpu[];
  readonly count: number;
}

type Taken = Omit<HeldGpus, 'variables'> & {readonly gpus: readonly Gpu[]};

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
