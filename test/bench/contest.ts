/** Lets runners bring the same shape up to date in turn: cold in a new folder each time, then once more with nothing to do. */
import {spawn, spawnSync} from 'node:child_process';
import {closeSync, existsSync, mkdtempSync, openSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import type {Peer, Typed} from './peers/peer.js';
import {median} from './report.js';
import type {Shape} from './shapes.js';

/** A runner that is here, or why it is not. */
export interface Contender {
  readonly peer: Peer;
  /** With its version. */
  readonly title: string;
  readonly missing?: string;
}

/** Brings those that are missing; one that cannot be had only says so. */
export const contenders = (peers: readonly Peer[]): Contender[] =>
  peers.map((peer) => {
    try {
      return {peer, title: `${peer.name} ${peer.install().version}`};
    } catch (error) {
      return {
        peer,
        title: peer.name,
        missing: `cannot be had: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  });

export interface Contest {
  readonly shape: Shape;
  /**
   * Where each go gets a folder of its own. Nothing in it is removed between two goes: files that were removed a moment
   * ago make it slower to make new ones, at least on ext4, and whoever comes next would pay for it.
   */
  readonly inside: string;
  readonly repeats: number;
  /** Seconds after which one go is ended and the runner's row says “over”. */
  readonly cap: number;
  /** Times with nothing to do after each cold one. */
  readonly again?: number;
  /** Called in the folder after the last go, before it is removed. */
  readonly look?: (contender: Contender, folder: string) => void;
}

export interface Figures {
  /** Medians; undefined where there is none. */
  readonly cold?: Cost;
  readonly again?: Cost;
  readonly note?: string;
}

/** What one go takes, ms. */
export interface Cost {
  readonly wall: number;
  /** Processor time of it and of all that it waited for: it says more than the wall on a machine that others use too. */
  readonly processor: number;
}

interface Taken {
  readonly cold: Cost[];
  readonly again: Cost[];
  note?: string;
}

/** Medians of each contender that is here. */
export async function compete(
  all: readonly Contender[],
  {shape, inside, repeats, cap, again = 1, look}: Contest,
): Promise<ReadonlyMap<Contender, Figures>> {
  const taken = new Map<Contender, Taken>(
    all.map((each) => [each, {cold: [], again: [], ...(each.missing === undefined ? {} : {note: each.missing})}]),
  );
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [contender, figures] of taken) {
      if (figures.note !== undefined) continue;
      const folder = mkdtempSync(path.join(inside, 'go-'));
      try {
        const {peer} = contender;
        peer.lay(shape, folder);
        figures.cold.push(await timed(peer.run(folder), folder, cap));
        const marks = marksOf(shape, folder);
        for (let time = 0; time < again; time++) {
          figures.again.push(await timed((peer.again ?? peer.run)(folder), folder, cap));
        }
        if (peer.again === undefined && marksOf(shape, folder) !== marks) {
          throw new Error('ran something again although nothing had changed');
        }
        if (repeat === repeats - 1) look?.(contender, folder);
      } catch (error) {
        figures.note = error instanceof Error ? error.message : String(error);
      }
    }
  }
  return new Map(
    [...taken].map(([contender, {cold, again: noOp, note}]) => [
      contender,
      {
        ...(cold.length === 0 ? {} : {cold: medians(cold)}),
        ...(noOp.length === 0 ? {} : {again: medians(noOp)}),
        ...((note ?? contender.peer.note) === undefined ? {} : {note: note ?? contender.peer.note!}),
      },
    ]),
  );
}

const medians = (costs: readonly Cost[]): Cost => ({
  wall: median(costs.map(({wall}) => wall)),
  processor: median(costs.map(({processor}) => processor)),
});

/** When each output in the folder was written; a runner that keeps them elsewhere has none. */
function marksOf({nodes}: Shape, folder: string): string {
  const files = nodes.map(({id}) => path.join(folder, `${id}.txt`)).filter((file) => existsSync(file));
  return files.map((file) => statSync(file).mtimeMs).join(' ');
}

/** Runs a program, then notes the processor time of this shell and, in a second line, that of its children. */
const TIMER = '"$@"; code=$?; times > "$R1_BENCH_TIMES"; exit $code';

/** `0m1.25s` → ms */
const msOf = (text: string): number => {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(text) ?? [];
  return (Number(minutes) * 60 + Number(seconds)) * 1000;
};

/** What one command takes. Throws when it fails or takes too long. */
export function timed({words, env = {}}: Typed, folder: string, cap: number): Promise<Cost> {
  const said = path.join(folder, '.said');
  const times = path.join(folder, '.times');
  const out = openSync(said, 'w');
  return new Promise<Cost>((resolve, reject) => {
    const began = performance.now();
    const child = spawn('/bin/sh', ['-c', TIMER, 'sh', ...words], {
      cwd: folder,
      env: {...process.env, ...env, R1_BENCH_TIMES: times},
      stdio: ['ignore', out, out],
      // A group of its own, so that what it started can be ended with it.
      detached: true,
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid!, 'SIGKILL');
    }, cap * 1000);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      if (late) reject(new Error(`over ${cap} s`));
      else if (code === 0) {
        const wall = performance.now() - began;
        const [, children = ''] = readFileSync(times, 'utf8').split('\n');
        resolve({
          wall,
          processor: children
            .split(' ')
            .map(msOf)
            .reduce((sum, ms) => sum + ms, 0),
        });
      } else
        reject(
          new Error(`failed: ${readFileSync(said, 'utf8').trim().split('\n').slice(-3).join(' | ').slice(0, 300)}`),
        );
    });
  }).finally(() => closeSync(out));
}

/** Bytes that a folder takes on the disk, blocks with two names once. */
export function bytesOnDisk(folder: string): number {
  const {stdout} = spawnSync('du', ['-sk', folder], {encoding: 'utf8'});
  return Number(stdout.split('\t')[0]) * 1024;
}
