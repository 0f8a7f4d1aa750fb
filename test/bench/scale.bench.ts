/**
 * How the runner and the store bear size: a plan of many nodes, the memory of a long run, hashing, and with `--full`
 * questions to a lineage of a million attempts. Nobody else is measured here; where the machine sets the bound, it is.
 */
import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {availableParallelism, tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {lineageOf} from '../../artifacts/queries/ancestry.js';
import {disk} from '../../artifacts/files.js';
import {hashAll, hashFile} from '../../artifacts/blobs/hash.js';
import {openStore} from '../../artifacts/index.js';
import type {AttemptId} from '../../artifacts/index.js';
import {watch} from './own.js';
import {r1} from './peers/r1.js';
import {inTurn, median, report} from './report.js';
import {fillLineage, fillPlan} from './fill.js';
import {fanOf} from './shapes.js';
import type {Shape} from './shapes.js';

const full = process.argv.includes('--full');
const COMPILED = fileURLToPath(new URL('recipes/compiled.js', import.meta.url));

const scratch = mkdtempSync(path.join(tmpdir(), 'r1-bench-'));
process.on('exit', () => rmSync(scratch, {recursive: true, force: true, maxRetries: 5}));

function folderFor(name: string, shape?: Shape): string {
  const folder = path.join(scratch, name);
  mkdirSync(folder);
  if (shape !== undefined) r1.lay(shape, folder);
  return folder;
}

await hashing();
await plan(full ? 100_000 : 10_000);
await longRun(full ? 10_000 : 1000);
if (full) await lineage();

/** One large file against openssl on one core; many files against one, on all cores. */
async function hashing(): Promise<void> {
  const folder = folderFor('hashing');
  const large = path.join(folder, 'large');
  const megabytes = 512;
  execFileSync('/bin/sh', ['-c', `head -c ${megabytes << 20} /dev/urandom > "$1"`, 'sh', large]);
  const {ours, theirs} = await inTurn(
    {
      ours: async () => {
        await hashFile(disk, {path: large, bytes: megabytes << 20});
      },
      theirs: () => void execFileSync('openssl', ['dgst', '-sha256', large]),
    },
    5,
  );
  const rate = (ms: number) => (megabytes << 20) / 1e6 / ms;
  report({name: 'openssl dgst -sha256, one large file', value: rate(theirs), unit: 'GB/s'});
  report({
    name: 'our hash of it',
    value: rate(ours),
    unit: 'GB/s',
    atLeast: Number((0.9 * rate(theirs)).toPrecision(3)),
  });
  const many = Array.from({length: 64}, (_, i) => ({
    path: path.join(folder, `part-${i}`),
    bytes: (megabytes << 20) / 64,
  }));
  for (const [index, part] of many.entries()) {
    writeFileSync(part.path, disk.readRange(large, index * part.bytes, part.bytes));
  }
  const {parts} = await inTurn(
    {
      parts: async () => {
        await hashAll(disk, many);
      },
    },
    5,
  );
  const note = `${availableParallelism()} cores; ${(ours / parts).toFixed(2)} times the rate of one file`;
  report({name: 'our hash of 64 files', value: rate(parts), unit: 'GB/s', note});
}

/** Every node needs the two before it, and every one is there already. */
async function plan(count: number): Promise<void> {
  const nodes = Array.from({length: count}, (_, i) => ({
    id: `n${i}`,
    needs: [i - 1, i - 2].filter((need) => need >= 0).map((need) => `n${need}`),
    script: `echo ${i} > "$OUT"`,
  }));
  const folder = folderFor('plan', {nodes, fan: []});
  await fillPlan(folder, COMPILED);
  const runs = [];
  for (let repeat = 0; repeat < 3; repeat++) runs.push(await watch(folder, ['plan', COMPILED, '--json']));
  const name = `plan of ${count.toLocaleString('en')} nodes, all there`;
  const note = count === 100_000 ? undefined : 'of 100,000 with --full';
  const targets = note === undefined ? [5, 700] : [];
  const [seconds, megabytes] = targets;
  report({
    name,
    value: median(runs.map(({ms}) => ms)) / 1000,
    unit: 's',
    ...(seconds === undefined ? {note: note!} : {target: seconds}),
  });
  report({
    name: `${name}, memory`,
    value: median(runs.map(({peak}) => peak)),
    unit: 'MiB',
    ...(megabytes === undefined ? {} : {target: megabytes}),
  });
}

/** The runner’s own memory while nodes come and go. */
async function longRun(count: number): Promise<void> {
  const folder = folderFor('long', fanOf(count - 2));
  const {ms, peak, memory} = await watch(folder, ['run', COMPILED]);
  const part = (from: number, to: number) =>
    median(memory.slice(Math.floor(memory.length * from), Math.ceil(memory.length * to)));
  const name = `run of ${count.toLocaleString('en')} nodes, memory of the runner`;
  const note = `${(ms / 1000).toFixed(0)} s; in the second tenth ${part(0.1, 0.2).toFixed(0)}, in the last ${part(0.9, 1).toFixed(0)} MiB`;
  report({name, value: peak, unit: 'MiB', target: 200, note});
}

/** A thousand runs of a thousand nodes, each with three inputs. */
async function lineage(): Promise<void> {
  const folder = folderFor('lineage');
  const {last, first} = await fillLineage(folder, {runs: 1000, nodes: 1000, edges: 3});
  const timed = (work: () => number): {ms: number; found: number} => {
    const began = performance.now();
    const found = work();
    return {ms: performance.now() - began, found};
  };
  const ask = (attempt: number, direction: 'up' | 'down', limit: number) => {
    const store = openStore(folder, {mode: 'read'});
    try {
      return lineageOf(store, attempt as AttemptId, {direction, limit}).nodes.size;
    } finally {
      store.close();
    }
  };
  const questions: readonly [string, number, () => number][] = [
    ['first answer upwards, with opening the store', 100, () => ask(last, 'up', 20)],
    ['first answer downwards, with opening the store', 100, () => ask(first, 'down', 20)],
    ['whole ancestry in a run of 1,000', 300, () => ask(last, 'up', Infinity)],
    ['all that was made of its first node', 300, () => ask(first, 'down', Infinity)],
  ];
  for (const [name, target, work] of questions) {
    const answers = Array.from({length: 5}, () => timed(work));
    const note = `${answers[0]!.found} attempts`;
    report({name: `1,000,000 attempts: ${name}`, value: median(answers.map(({ms}) => ms)), unit: 'ms', target, note});
  }
}
