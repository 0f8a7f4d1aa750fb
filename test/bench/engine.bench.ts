/**
 * Training and generation beside PyTorch and JAX: the same model, the same weights, the same batch, the same optimizer.
 * Every contender is a process of its own; their repeats are taken in turn, every other time backwards, so that all meet
 * the same noise and nobody always comes after the same one. What the first two calls computed is compared, so that all
 * are known to do the same work.
 *
 *     npm run bench -- engine              sizes A and B, C, D (about twenty minutes)
 *     R1_BENCH_SIZES=A,B R1_BENCH_KINDS=train npm run bench -- engine
 *
 * A peer is installed into a virtual environment in the cache folder when it is first needed (PyTorch: some gigabytes);
 * R1_BENCH_PYTHON names an interpreter that has them and is taken as it is. R1_BENCH_CONTENDERS names those that are
 * wanted, their commas left out. Where set-up found a graphics card, all compute there, in float32; memory and shares are then not measured.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import type {Entrant, Kind} from './engine/contenders.js';
import {ENTRANTS, onCard} from './engine/contenders.js';
import type {Memory, Started} from './engine/contender.js';
import {Contender} from './engine/contender.js';
import {compilingCost} from './engine/compiling.js';
import {taskOf, writeTask} from './engine/task.js';
import {listed, median, report} from './report.js';
import type {Size} from './sizes.js';
import {SIZES, trainingOperations} from './sizes.js';

type SizeName = keyof typeof SIZES;

/** Cores that a training step may use, and that two generators share. */
const CORES = 2;
const REPEATS = 11;
/** Steps of a repeat: enough that starting and stopping the clock is nothing. */
const CALLS: Readonly<Record<SizeName, number>> = {A: 5, B: 5, C: 3, D: 2};
/** Losses of contenders differ by rounding alone, also after an update. */
const SAME = 1e-3;

interface Measured {
  readonly entrant: Entrant;
  readonly threads: number;
  readonly started: Started;
  /** Milliseconds a step, one for each repeat. */
  readonly times: number[];
  memory?: Memory;
}

const missing = new Map<string, string>();

/** Whether it is here or could be brought here. Why not is said once, at the end. */
function available({name, install}: Entrant): boolean {
  if (missing.has(name)) return false;
  try {
    install();
    return true;
  } catch (error) {
    missing.set(name, error instanceof Error ? error.message : String(error));
    return false;
  }
}

/** A name without the comma that would end it in a list. */
const plain = ({name}: Entrant): string => name.replace(',', '');

interface Running extends Measured {
  /** More than one where several share the cores. */
  readonly contenders: readonly Contender[];
}

/** Loads the models and makes the first two calls. Throws what a process says that ends. */
async function start(folder: string, name: SizeName, kind: Kind, entrant: Entrant, threads: number): Promise<Running> {
  const words = entrant.words(folder, kind, threads, name);
  const contenders = Array.from({length: entrant.copies ?? 1}, () => Contender.start(words, entrant.env?.(kind)));
  try {
    let started: Started | undefined;
    for (const contender of contenders) started = await contender.start();
    return {entrant, threads, contenders, started: started!, times: []};
  } catch (error) {
    for (const contender of contenders) await contender.end();
    throw error;
  }
}

/** Milliseconds a step; of several that run side by side, as if one had made the steps of all. */
async function timed({contenders}: Running, calls: number): Promise<number> {
  const times = await Promise.all(contenders.map((contender) => contender.go(calls)));
  return 1 / times.reduce((rate, ms) => rate + 1 / ms, 0);
}

/** Times entrants at one size, each with each number of threads, in turn. */
async function measure(
  folder: string,
  name: SizeName,
  kind: Kind,
  threadCounts: readonly number[],
): Promise<Measured[]> {
  const running: Running[] = [];
  try {
    for (const entrant of ENTRANTS) {
      if (!wanted.includes(plain(entrant))) continue;
      if (!entrant.kinds.includes(kind) || !entrant.sizes.includes(name) || !available(entrant)) continue;
      for (const threads of entrant.copies === undefined ? threadCounts : [1]) {
        const label = `${name} ${kind}, ${entrant.name}, ${threads} threads`;
        process.stderr.write(`  starting ${label}\n`);
        try {
          running.push(await start(folder, name, kind, entrant, threads));
        } catch (error) {
          report({name: label, unit: 'ms', note: `failed: ${error instanceof Error ? error.message : String(error)}`});
        }
      }
    }
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      for (const each of repeat % 2 === 0 ? running : running.toReversed())
        each.times.push(await timed(each, kind === 'train' ? CALLS[name] : 1));
    }
    if (kind === 'train' && !onCard) for (const each of running) each.memory = await each.contenders[0]!.memory();
  } finally {
    for (const {contenders} of running) for (const contender of contenders) await contender.end();
  }
  if (kind === 'train') checkSame(running);
  return running;
}

/** All must have computed the same; bf16 is coarser. Throws who did not. */
function checkSame([expected, ...others]: readonly Measured[]): void {
  for (const {entrant, started} of others) {
    started.values.forEach((value, i) => {
      const of = expected!.started.values[i]!;
      const within = entrant.name.includes('bf16') ? 10 * SAME : SAME;
      if (!(Math.abs(value - of) <= within * Math.abs(of))) {
        throw new Error(`${entrant.name} has a loss of ${value} where ${expected!.entrant.name} has ${of}`);
      }
    });
  }
}

const ms = ({times}: Measured): number => median(times);
const fastest = (measured: readonly Measured[]): Measured | undefined => [...measured].sort((a, b) => ms(a) - ms(b))[0];
const isPeer = ({entrant}: Measured): boolean => entrant.ours === undefined;

/** What a row of ours is measured against, if anything. */
function targetOf(of: Measured, name: SizeName, kind: Kind, all: readonly Measured[]): number | undefined {
  const peer = fastest(all.filter(isPeer));
  if (peer === undefined || of.entrant.ours === undefined) return undefined;
  const {eager, aside, goal} = of.entrant;
  if (eager || aside || (goal && !goal.sizes.includes(name))) return undefined;
  if (kind === 'generate' && of !== fastest(all.filter(({entrant}) => entrant === of.entrant))) return undefined;
  return ms(peer) / (goal?.times ?? 1);
}

function reportAll(name: SizeName, kind: Kind, all: readonly Measured[], rate: number | undefined): void {
  const size: Size = SIZES[name];
  for (const each of all) {
    const {entrant, threads, started, times, memory} = each;
    const notes = [started.version, `best ${Math.min(...times).toPrecision(3)}`, `of ${times.length}`];
    if (kind === 'train') {
      const reached = trainingOperations(size) / 1e6 / ms(each);
      notes.push(
        `${reached.toFixed(0)} GFLOP/s${rate === undefined ? '' : `, ${((100 * reached) / rate).toFixed(0)} %`}`,
      );
      notes.push(`loss ${started.values.map((value) => value.toFixed(4)).join(', ')}`);
    } else {
      notes.push(`${((1000 * size.rows) / ms(each)).toFixed(0)} tokens/s`);
    }
    notes.push(`first call ${(started.firstMs / 1000).toFixed(1)} s`);
    if (memory) notes.push(`peak ${memory.peakMiB.toFixed(0)} MiB (${memory.beforeMiB.toFixed(0)} before the step)`);
    const target = targetOf(each, name, kind, all);
    const label = `${name} ${kind}, ${entrant.name}, ${(entrant.copies ?? 1) > 1 ? '1 thread each' : `${threads} threads`}`;
    report({name: label, value: ms(each), unit: 'ms', ...(target !== undefined && {target}), note: notes.join('; ')});
  }
  const ours = all.find(({entrant}) => entrant.name === 'r1 compiled');
  const eager = all.find(({entrant}) => entrant.eager);
  if (ours && eager) {
    const best = (entrant: Entrant): number => ms(fastest(all.filter((each) => each.entrant === entrant))!);
    const atLeast = name === 'A' || name === 'B' ? {atLeast: kind === 'train' ? 2.2 : 5} : {};
    report({
      name: `${name} ${kind}, compiled against eager`,
      value: best(eager.entrant) / best(ours.entrant),
      unit: '×',
      ...atLeast,
    });
  }
  if (kind === 'train' && ours && rate !== undefined) {
    const share = trainingOperations(size) / 1e6 / ms(ours) / rate;
    const atLeast = name === 'B' || name === 'C' ? {atLeast: 55} : {};
    report({name: `${name} train, share of the matmul rate`, value: 100 * share, unit: '%', ...atLeast});
  }
  const torch = all.find(({entrant}) => entrant.name === 'PyTorch eager');
  if (ours?.memory && torch?.memory) {
    const target = name === 'C' || name === 'D' ? {target: torch.memory.peakMiB} : {};
    report({name: `${name} train, peak memory`, value: ours.memory.peakMiB, unit: 'MiB', ...target});
  }
}

/** One contender after the other at one size, from one folder of weights. */
async function bench(name: SizeName, kinds: readonly string[], rate: number | undefined): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'r1-bench-'));
  try {
    writeTask(folder, taskOf(SIZES[name]));
    for (const kind of ['train', 'generate'] as const) {
      if (!kinds.includes(kind) || (kind === 'generate' && name === 'D')) continue;
      reportAll(name, kind, await measure(folder, name, kind, kind === 'train' ? [CORES] : [1, CORES]), rate);
    }
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

/** GFLOP/s of large products of matrices: the best that any library reaches here. */
async function matmulRate(): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'r1-bench-'));
  try {
    writeTask(folder, taskOf(SIZES.A));
    const measured = await measure(folder, 'A', 'matmul', [CORES]);
    const rates = measured.map((each) => ({name: each.entrant.name, rate: (2 * 1024 ** 3) / 1e6 / ms(each)}));
    for (const {name, rate} of rates)
      report({name: `product of 1024² matrices, ${name}`, value: rate, unit: 'GFLOP/s'});
    return Math.max(...rates.map(({rate}) => rate));
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

const sizes = listed('R1_BENCH_SIZES', Object.keys(SIZES)) as SizeName[];
const kinds = listed('R1_BENCH_KINDS', ['train', 'generate', 'compile']);
const wanted = listed('R1_BENCH_CONTENDERS', ENTRANTS.map(plain));
const rate = kinds.includes('train') && !onCard ? await matmulRate() : undefined;
for (const name of sizes) await bench(name, kinds, rate);
if (kinds.includes('compile')) {
  const {functions, ms: cost} = await compilingCost(1);
  report({name: `compiling tiny's ${functions} functions`, value: cost, unit: 'ms', target: 3000, note: '1 thread'});
}
for (const [name, why] of missing) report({name, unit: 'ms', note: `not measured: ${why}`});
