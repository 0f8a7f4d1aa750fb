/**
 * Performs nodes in dependency order: one memoised promise per node, resources that never exceed what there is, and the
 * three ways to go on after a failure. What performing means is the caller's business; nothing here touches a disk.
 */
import type {Graph} from '../wiring/graph.js';
import {err} from '../result.js';
import type {Result} from '../result.js';
import type {Resources} from '../stage.js';

/** What happens to the rest when a node fails. */
export type OnFailure =
  /** What runs may finish, nothing new starts. */
  | 'finish'
  /** Everything that does not need the failed node goes on. */
  | 'continue'
  /** What runs is stopped (with a checkpoint), nothing new starts. */
  | 'stop';

/** Why a node was not performed: a node that it needs ended badly, or the run came to an end before its turn. */
export type Cancelled =
  | {
      readonly reason: 'cancelled';
      /** The node at the root, and how it ended. */
      readonly because: string;
      readonly ended: string;
    }
  | {readonly reason: 'not-started'};

/** What is given out to nodes at a time: cores, GPUs, MiB of memory, and a number of nodes. */
export interface Capacity extends Resources {
  /** Most nodes at once, whatever they occupy. */
  readonly jobs: number;
}

/** Handed to `perform`, which takes the slot when it has to do work; reusing something needs none. */
export interface Turn {
  /** Resolves once the node's resources are set aside for it; `undefined` when nothing may start any more. */
  take(): Promise<Slot | undefined>;
  /** Aborted when running work has to be stopped because another node failed (`--on-failure stop`). */
  readonly stop: AbortSignal;
}

export interface Slot {
  /** GPUs that are set aside for the node. */
  readonly gpu: number;
  /** False when starting is no longer wanted: to be asked again after everything that may have taken long. */
  stillWanted(): boolean;
  /**
   * Gives on what the node has occupied of the machine, once its process has ended well and its results are only left to
   * be stored; it still counts as one of the jobs. Should storing fail after all, another node may have started meanwhile.
   */
  yield(): void;
  /**
   * Gives the node's cores to others while it waits for what no node of this run can free. When it goes on it has them
   * at once, and for a moment more may be in use than there are.
   */
  lendCores(): void;
  takeCoresBack(): void;
  release(): void;
}

export interface ScheduleOptions<T, E> {
  readonly graph: Graph;
  readonly nodes: ReadonlySet<string>;
  readonly resources: (node: string) => Resources;
  /** Higher goes first when several wait for resources. */
  readonly priority: (node: string) => number;
  readonly capacity: Capacity;
  readonly onFailure: OnFailure;
  /** Aborted when nothing new may start (Ctrl-C). */
  readonly noMore: AbortSignal;
  readonly perform: (node: string, turn: Turn) => Promise<Result<T, E>>;
  /** Called as soon as a node is known not to be performed. */
  readonly cancelled: (node: string, why: Cancelled) => void;
}

/** Resolves when every node has ended. */
export async function schedule<T, E extends {readonly reason: string}>(
  options: ScheduleOptions<T, E>,
): Promise<ReadonlyMap<string, Result<T, E | Cancelled>>> {
  const {graph, nodes, onFailure, noMore, perform, cancelled} = options;
  const stop = new AbortController();
  let failed = false;
  const mayStart = () => !noMore.aborted && (!failed || onFailure === 'continue');
  /** Of how many nodes that it needs a node still waits. */
  const missing = new Map([...nodes].map((id) => [id, graph.needs(id).length]));
  const waitingFor = (id: string, most: number) => graph.neededBy(id).filter((other) => missing.get(other) === most);
  const slots = new Slots(options, mayStart, (id) => waitingFor(id, 1));
  noMore.addEventListener('abort', () => slots.review(), {once: true});

  const ends = new Map<string, Promise<Result<T, E | Cancelled>>>();
  for (const id of graph.order) {
    if (!nodes.has(id)) continue;
    const needs = graph.needs(id).map((need) => [need, ends.get(need)!] as const);
    ends.set(id, performAfter(id, needs));
  }
  const results = new Map<string, Result<T, E | Cancelled>>();
  for (const [id, end] of ends) results.set(id, await end);
  return results;

  async function performAfter(
    id: string,
    needs: readonly (readonly [string, Promise<Result<T, E | Cancelled>>])[],
  ): Promise<Result<T, E | Cancelled>> {
    for (const [need, end] of needs) {
      const result = await end;
      if (!result.ok) return cancel(id, rootOf(need, result.error));
    }
    if (!mayStart()) return cancel(id, {reason: 'not-started'});
    let slot: Slot | undefined;
    const result = await perform(id, {
      stop: stop.signal,
      async take() {
        slot = await slots.take(id);
        return slot;
      },
    });
    // Known to have failed before its resources are given on, so that nobody starts who should not.
    if (!result.ok) {
      failed = true;
      if (onFailure === 'stop') stop.abort();
    } else {
      for (const other of graph.neededBy(id)) missing.set(other, (missing.get(other) ?? 0) - 1);
      slots.expect(waitingFor(id, 0));
    }
    slots.stopExpecting(id);
    slot?.release();
    slots.review();
    return result;
  }

  function cancel(id: string, why: Cancelled): Result<never, Cancelled> {
    slots.stopExpecting(id);
    slots.review();
    cancelled(id, why);
    return err(why);
  }
}

/** The failure at the root: a node that was cancelled itself hands on what cancelled it. */
function rootOf(need: string, error: {readonly reason: string} | Cancelled): Cancelled {
  if (error.reason === 'not-started') return {reason: 'not-started'};
  return error.reason === 'cancelled' && 'because' in error
    ? error
    : {reason: 'cancelled', because: need, ended: error.reason};
}

interface Waiting {
  readonly node: string;
  readonly needs: Resources;
  readonly priority: number;
  passedOver: number;
  readonly grant: (slot: Slot | undefined) => void;
}

/** So many nodes at most are having their results stored while others run already. */
const MOST_STORING = 32;

/** So many others may go before a node that asks for more than is free; then they wait for it. */
const MOST_PASSED_OVER = 4;

/** So long, in ms, resources may lie idle for a node whose turn is about to come; or this share of the time that the one before took. */
const SHORT_HOLD = 2_000;
/** What ran for long has made much, and much takes its time to be stored: a model of gigabytes is not there within two seconds. */
const HOLD_SHARE = 0.1;

/** So many nodes behind one are waited for at most, the most urgent ones; a node may have a hundred thousand behind it. */
const MOST_EXPECTED = 32;

/**
 * Hands out resources. The most urgent first; a smaller one may fill a gap that the first cannot use. What comes free is
 * kept back for a moment where the node that freed it opens the way for one more urgent than all that wait: a run's
 * critical path would otherwise stand behind an hour of something else that happened to wait.
 */
class Slots {
  readonly #options: Pick<ScheduleOptions<never, never>, 'capacity' | 'resources' | 'priority'>;
  readonly #mayStart: () => boolean;
  readonly #followers: (node: string) => readonly string[];
  readonly #waiting: Waiting[] = [];
  /** Nodes that will ask for a slot at once, and until when they are waited for. */
  readonly #expected = new Map<string, NodeJS.Timeout>();
  readonly #used = {cpu: 0, gpu: 0, memory: 0, jobs: 0};
  #storing = 0;

  constructor(
    options: Pick<ScheduleOptions<never, never>, 'capacity' | 'resources' | 'priority'>,
    mayStart: () => boolean,
    followers: (node: string) => readonly string[],
  ) {
    this.#options = options;
    this.#mayStart = mayStart;
    this.#followers = followers;
  }

  /** @param took ms that the node has run which opens their way */
  expect(nodes: readonly string[], took = 0): void {
    const hold = Math.max(SHORT_HOLD, HOLD_SHARE * took);
    const {priority} = this.#options;
    const first = nodes.length > MOST_EXPECTED ? nodes.toSorted((a, b) => priority(b) - priority(a)) : nodes;
    for (const node of first.slice(0, MOST_EXPECTED)) {
      clearTimeout(this.#expected.get(node));
      const late = setTimeout(() => {
        this.stopExpecting(node);
        this.review();
      }, hold);
      this.#expected.set(node, late);
    }
  }

  /** It has asked, or will not ask any more. */
  stopExpecting(node: string): void {
    clearTimeout(this.#expected.get(node));
    this.#expected.delete(node);
  }

  take(node: string): Promise<Slot | undefined> {
    this.stopExpecting(node);
    return new Promise((grant) => {
      const {capacity} = this.#options;
      const asked = this.#options.resources(node);
      // A node that asks for more than the machine has runs alone.
      const needs = {
        cpu: Math.min(asked.cpu, capacity.cpu),
        gpu: Math.min(asked.gpu, capacity.gpu),
        memory: Math.min(asked.memory, capacity.memory),
      };
      const waiting = {node, needs, priority: this.#options.priority(node), passedOver: 0, grant};
      const place = this.#waiting.findIndex(({priority}) => priority < waiting.priority);
      this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, waiting);
      // Nodes that become ready in the same moment are all in line before the first one gets its slot.
      queueMicrotask(() => this.review());
    });
  }

  /** Grants what can be granted now; sends everyone away when nothing may start any more. */
  review(): void {
    if (!this.#mayStart()) {
      for (const {grant} of this.#waiting.splice(0)) grant(undefined);
      return;
    }
    const urgent = Math.max(...[...this.#expected.keys()].map((node) => this.#options.priority(node)), -Infinity);
    for (let i = 0; i < this.#waiting.length;) {
      const waiting = this.#waiting[i]!;
      if (waiting.priority < urgent) return;
      if (this.#fits(waiting.needs)) {
        this.#waiting.splice(i, 1);
        for (const earlier of this.#waiting.slice(0, i)) earlier.passedOver++;
        waiting.grant(this.#slot(waiting));
      } else if (waiting.passedOver >= MOST_PASSED_OVER) return;
      else i++;
    }
  }

  #fits({cpu, gpu, memory}: Resources): boolean {
    const {capacity} = this.#options;
    const used = this.#used;
    return (
      used.jobs + 1 <= capacity.jobs &&
      used.cpu + cpu <= capacity.cpu &&
      used.gpu + gpu <= capacity.gpu &&
      used.memory + memory <= capacity.memory
    );
  }

  #slot({node, needs: {cpu, gpu, memory}}: Waiting): Slot {
    const used = this.#used;
    const occupy = (sign: 1 | -1) => {
      used.cpu += sign * cpu;
      used.gpu += sign * gpu;
      used.memory += sign * memory;
    };
    occupy(1);
    used.jobs++;
    let state: 'running' | 'storing' | 'over' = 'running';
    let isLending = false;
    const lend = (isNowLending: boolean) => {
      if (isLending === isNowLending || state !== 'running') return;
      isLending = isNowLending;
      used.cpu += isLending ? -cpu : cpu;
      if (isLending) this.review();
    };
    const began = Date.now();
    return {
      gpu,
      stillWanted: this.#mayStart,
      lendCores: () => lend(true),
      takeCoresBack: () => lend(false),
      yield: () => {
        lend(false);
        if (state !== 'running' || this.#storing >= MOST_STORING) return;
        state = 'storing';
        this.#storing++;
        this.expect(this.#followers(node), Date.now() - began);
        occupy(-1);
        this.review();
      },
      release: () => {
        lend(false);
        if (state === 'over') return;
        if (state === 'running') occupy(-1);
        else this.#storing--;
        state = 'over';
        used.jobs--;
        this.review();
      },
    };
  }
}
