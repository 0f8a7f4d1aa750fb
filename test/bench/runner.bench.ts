/**
 * What it costs to run graphs of trivial commands and one large output, beside other runners in turn. Before it stands
 * what the machine itself takes for the parts of which it is made. `--full` adds the runners and shapes that take minutes;
 * `R1_BENCH_SHAPES=13,1000,1GiB` names the shapes.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {bytesOnDisk, compete, contenders} from './contest.js';
import type {Contender, Figures} from './contest.js';
import {dvc} from './peers/dvc.js';
import {metaflow} from './peers/metaflow.js';
import {ninja} from './peers/ninja.js';
import {r1, r1Compiled} from './peers/r1.js';
import {redun} from './peers/redun.js';
import {snakemake} from './peers/snakemake.js';
import {wireit} from './peers/wireit.js';
import {inTurn, listed, report} from './report.js';
import {copyOf, fanOf, thirteen} from './shapes.js';

const full = process.argv.includes('--full');
const SHAPES = ['13', '1000', '1GiB'];
const shapes = listed('R1_BENCH_SHAPES', SHAPES, full ? SHAPES : ['13', '1000']);
const REPEATS = 5;
const GIBIBYTE = 1 << 30;

const scratch = mkdtempSync(path.join(tmpdir(), 'r1-bench-'));
process.on('exit', () => rmSync(scratch, {recursive: true, force: true, maxRetries: 5}));

const probe = openSync(path.join(scratch, 'probe'), 'w');
const parts = await inTurn(
  {
    'bare node -e 0': () => void execFileSync(process.execPath, ['-e', '0'], {stdio: 'ignore'}),
    'one process of a shell': () => void spawnSync('/bin/sh', ['-c', ':'], {stdio: 'ignore'}),
    'one fsync of 4 KiB': () => {
      writeSync(probe, Buffer.alloc(4096, 1));
      fsyncSync(probe);
    },
  },
  15,
);
closeSync(probe);
for (const [name, value] of Object.entries(parts)) report({name, value, unit: 'ms'});

const ours = new Set([r1, r1Compiled]);
const quick = contenders([...ours, ninja, wireit]);
const slow = contenders([dvc, snakemake, redun, metaflow]);
const everyone = [...quick, ...slow];

interface Told {
  readonly what: string;
  readonly of: ReadonlyMap<Contender, Figures>;
  readonly figure: 'cold' | 'again';
  readonly target: number;
  readonly minus?: number;
}

/** One row for each contender; ours has the target. */
function tell({what, of, figure, target, minus = 0}: Told): void {
  for (const [{peer, title}, figures] of of) {
    const cost = figures[figure];
    const busy = cost === undefined ? undefined : `${cost.processor.toFixed(0)} ms of processor time`;
    const note = [busy, figures.note].filter((each) => each !== undefined).join('; ');
    report({
      name: `${what} · ${title}`,
      unit: 'ms',
      ...(cost === undefined ? {} : {value: cost.wall - minus}),
      ...(ours.has(peer) ? {target} : {}),
      ...(note === '' ? {} : {note}),
    });
  }
}

if (shapes.includes('13')) {
  const of = await compete(everyone, {shape: thirteen, inside: scratch, repeats: REPEATS, cap: 60, again: 2});
  tell({what: '13 nodes, nothing to do', of, figure: 'again', target: 120});
  tell({what: '13 nodes, cold', of, figure: 'cold', target: 400});
}
if (shapes.includes('1000')) {
  const of = new Map([
    ...(await compete(quick, {shape: fanOf(998), inside: scratch, repeats: full ? 3 : 1, cap: 120, again: 3})),
    ...(full ? await compete(slow, {shape: fanOf(998), inside: scratch, repeats: 1, cap: 300}) : []),
  ]);
  tell({what: '1,000 nodes, cold', of, figure: 'cold', target: 5000});
  tell({what: '1,000 nodes, nothing to do', of, figure: 'again', target: 400});
}
if (shapes.includes('1GiB')) await large();

/** A node that copies a gibibyte: over what the copy and its way to the disk take by themselves. */
async function large(): Promise<void> {
  const source = path.join(scratch, 'source');
  execFileSync('/bin/sh', ['-c', `head -c ${GIBIBYTE} /dev/urandom > "$1"; sync "$1"`, 'sh', source]);
  const copy = path.join(scratch, 'copy');
  const {plain} = await inTurn(
    {
      plain: () => {
        execFileSync('/bin/sh', ['-c', 'cp "$1" "$2" && sync "$2"', 'sh', source, copy]);
        rmSync(copy);
      },
    },
    3,
  );
  report({name: '1 GiB copied by cp, and sync', value: plain, unit: 'ms'});
  const onDisk = new Map<Contender, number>();
  const look = (contender: Contender, folder: string) => onDisk.set(contender, bytesOnDisk(folder));
  const of = await compete(everyone, {shape: copyOf(source), inside: scratch, repeats: 3, cap: 120, again: 2, look});
  tell({what: '1 GiB output, cold, over the copy', of, figure: 'cold', target: 1200, minus: plain});
  tell({what: '1 GiB output, nothing to do', of, figure: 'again', target: 150});
  for (const [{peer, title}, bytes] of onDisk) {
    report({
      name: `1 GiB output, space on the disk · ${title}`,
      value: bytes / GIBIBYTE,
      unit: 'GiB',
      ...(ours.has(peer) ? {target: 1.01} : {}),
    });
  }
}
