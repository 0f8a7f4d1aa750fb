/**
 * Which GPUs there are to give out: those that `CUDA_VISIBLE_DEVICES` leaves to r1, as CUDA itself reads it, else those that
 * `nvidia-smi -L` lists. Under a scheduler such as Slurm the variable is the allocation's, and its devices are given out like any.
 * An executor that hands jobs to Slurm never sets it: there it is Slurm's to say.
 *
 * A device is known by its UUID wherever that can be had, so that a runner that was told numbers and another that was told
 * UUIDs, or nothing, mean the same device by the same name.
 */
import {accessSync, constants} from 'node:fs';
import {delimiter, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {signal} from './process-table.js';

/** A GPU, or a part of one (MIG), that a job can hold. */
export interface Gpu {
  /** What it is called in `CUDA_VISIBLE_DEVICES`. */
  readonly visible: string;
  /** Its UUID, or its number where no more is known. */
  readonly id: string;
}

/** The GPUs of a machine, as `nvidia-smi -L` lists them. */
export interface Card {
  readonly index: string;
  readonly name: string;
  readonly uuid: string;
  /** UUIDs of the parts that it is cut into. CUDA then knows these and not the whole. */
  readonly parts: readonly string[];
}

export interface FoundGpus {
  readonly all: readonly Gpu[];
  /** What else has to be set for the names to mean these devices. */
  readonly variables: Readonly<Record<string, string>>;
  /** The devices that another value of `CUDA_VISIBLE_DEVICES` names. */
  named(list: string): readonly Gpu[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** nvidia-smi wakes each card of a machine that was idle, which takes seconds, ms. */
const LONGEST_LIST = 20_000;

/**
 * Numbers count as in `nvidia-smi`. By itself CUDA counts the fastest card first. UUIDs would do without, but there are trainers
 * that take each word of the list for a number.
 */
const IN_ORDER = {CUDA_DEVICE_ORDER: 'PCI_BUS_ID'};

/** @param fallback how many GPUs there are where neither the variable nor nvidia-smi can tell */
export async function findGpus(fallback: () => number, env: Environment = process.env): Promise<FoundGpus> {
  const list = env['CUDA_VISIBLE_DEVICES'];
  // No process is started to find out that none of what there is may be used.
  const isNone = list !== undefined && wordsOf(list).length === 0;
  const cards = isNone ? undefined : await listCards(env);
  const named = (words: string): readonly Gpu[] => gpusNamed(words, cards ?? [], env);
  if (list !== undefined) return {all: named(list), variables: {}, named};
  if (cards === undefined) return {all: numbered(fallback()), variables: {}, named};
  const isCut = cards.some(({parts}) => parts.length > 0);
  if (!isCut) return {all: cards.map(({index, uuid}) => ({visible: index, id: uuid})), variables: IN_ORDER, named};
  return {all: cards.flatMap(ownNames).map((uuid) => ({visible: uuid, id: uuid})), variables: {}, named};
}

const numbered = (count: number): Gpu[] => Array.from({length: count}, (_, i) => ({visible: String(i), id: String(i)}));

/** What CUDA computes on: a whole card, or its parts. */
const ownNames = ({uuid, parts}: Card): readonly string[] => (parts.length > 0 ? parts : [uuid]);

/** The devices that a list names. As in CUDA, it ends before the first that there is not, and one that names a device twice names none. */
export function gpusNamed(list: string, cards: readonly Card[], env: Environment): readonly Gpu[] {
  const gpus: Gpu[] = [];
  for (const word of wordsOf(list)) {
    const gpu = isNumber(word) ? gpuNumbered(word, cards, env) : gpuCalled(word, cards);
    if (gpu === undefined) break;
    gpus.push(gpu);
  }
  return new Set(gpus.map(({id}) => id)).size < gpus.length ? [] : gpus;
}

const isNumber = (word: string): boolean => /^\d/.test(word);

/** The words of a list up to the first that cannot be one; numbers and names do not mix. CUDA reads `1st` as 1. */
function wordsOf(list: string): string[] {
  const words: string[] = [];
  for (const piece of list.split(',')) {
    const word = /^\s*(\d+|(?:GPU|MIG)-[\w/-]+)/.exec(piece)?.[1];
    if (word === undefined || isNumber(word) !== isNumber(words[0] ?? word)) break;
    words.push(isNumber(word) ? String(Number(word)) : word);
  }
  return words;
}

/** Whether CUDA counts the cards as nvidia-smi does cannot be told where they differ and nobody has asked for it. */
function gpuNumbered(word: string, cards: readonly Card[], env: Environment): Gpu | undefined {
  if (cards.length === 0) return {visible: word, id: word};
  const card = cards.find(({index}) => index === word);
  if (card === undefined) return undefined;
  const isOrdered = env['CUDA_DEVICE_ORDER'] === 'PCI_BUS_ID' || cards.every(({name}) => name === card.name);
  return {visible: word, id: isOrdered ? card.uuid : word};
}

/** A UUID may be cut short as long as it says which device is meant. */
function gpuCalled(word: string, cards: readonly Card[]): Gpu | undefined {
  if (cards.length === 0) return {visible: word, id: word};
  const meant = cards.flatMap(({uuid, parts}) => [uuid, ...parts]).filter((uuid) => uuid.startsWith(word));
  const [id] = meant.includes(word) ? [word] : meant;
  return id === undefined || (meant.length > 1 && id !== word) ? undefined : {visible: id, id};
}

/** What nvidia-smi lists: nothing where there is no driver. `undefined` where there is no nvidia-smi, or it does not answer. */
async function listCards(env: Environment): Promise<readonly Card[] | undefined> {
  const program = programIn(env['PATH'], 'nvidia-smi');
  if (program === undefined) return undefined;
  const {execa} = await import('execa');
  const asked = execa(program, ['-L'], {detached: true, reject: false, stdin: 'ignore', stderr: 'ignore'});
  const patience = new AbortController();
  const given = sleep(LONGEST_LIST, undefined, {signal: patience.signal}).catch(() => undefined);
  const listed = await Promise.race([asked, given]);
  patience.abort();
  if (listed === undefined) {
    // One that waits for the driver cannot be ended, and is waited for no longer; nor is what a script has started.
    asked.stdout.destroy();
    asked.unref();
    if (asked.pid !== undefined) signal(-asked.pid, 'SIGKILL');
    return undefined;
  }
  return listed.failed ? [] : cardsIn(listed.stdout);
}

/** `GPU 0: NVIDIA A100 (UUID: GPU-…)`, and below it, where it is cut into parts, `  MIG 1g.5gb Device 0: (UUID: MIG-…)`. */
export function cardsIn(text: string): Card[] {
  const cards: (Card & {parts: string[]})[] = [];
  for (const line of text.split('\n')) {
    const [, index, name, uuid] = /^GPU (\d+): (.*) \(UUID: (GPU-[\w-]+)\)/.exec(line) ?? [];
    if (uuid !== undefined) cards.push({index: index!, name: name!, uuid, parts: []});
    const part = /^\s+MIG .*\(UUID: (MIG-[\w/-]+)\)/.exec(line)?.[1];
    if (part !== undefined) cards.at(-1)?.parts.push(part);
  }
  return cards;
}

/** Where a program lies that a shell would find by its name. */
export function programIn(path: string | undefined, name: string): string | undefined {
  for (const folder of (path ?? '').split(delimiter)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder; that it is in none is for the caller to judge.
    }
  }
  return undefined;
}
