/**
 * Runs the benchmarks behind `npm run bench`: each `test/bench/*.bench.ts` in a process of its own, one after the other,
 * so that none warms up another or shares its cores. Options that it does not know go to each benchmark.
 *
 * A benchmark is a module that calls `report` for each figure; what it measures and against what is its own affair.
 */
import {spawn} from 'node:child_process';
import {readdirSync} from 'node:fs';
import {cpus, totalmem} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {readRow} from './report.js';
import type {Row} from './report.js';

const folder = path.dirname(fileURLToPath(import.meta.url));

const HELP = `npm run bench -- [WORD …] [--full] [--json]

  WORD     only benchmarks with the word in their name: NAMES
  --full   also what takes minutes: larger shapes, slower peers
  --json   nothing but one object: machine, versions and all rows

Peers are fetched on demand into the cache folder (R1_CACHE); the row of one that cannot be had says so.
`;

/** Three digits, or all those before the point. */
const digits = (value: number): string => (Math.abs(value) < 1000 ? value.toPrecision(3) : value.toFixed(0));

function drawn({name, value, unit, target, atLeast, note}: Row): string {
  const figure = `${name.padEnd(52)} ${(value === undefined ? '–' : digits(value)).padStart(9)} ${unit}`;
  const goal = target === undefined ? (atLeast === undefined ? '' : `at least ${atLeast}`) : `at most ${target}`;
  const missed = value !== undefined && (value > (target ?? Infinity) || value < (atLeast ?? -Infinity));
  const wanted = goal === '' ? '' : `   (${goal}${missed ? ', missed' : ''})`;
  return `  ${figure}${wanted}${note === undefined ? '' : `   ${note}`}`;
}

/** Runs one benchmark; what it prints besides rows goes to stderr. */
function run(name: string, options: readonly string[], onRow: (row: Row) => void): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', path.join(folder, name), ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const row = readRow(line);
        if (row === undefined) process.stderr.write(`${line}\n`);
        else onRow(row);
      }
    });
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0));
  });
}

async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  const words = args.filter((word) => !word.startsWith('--'));
  const options = args.filter((word) => word.startsWith('--') && word !== '--json');
  const all = readdirSync(folder)
    .filter((name) => name.endsWith('.bench.js'))
    .sort();
  if (args.includes('--help')) {
    const names = all.map((name) => name.replace(/\.bench\.js$/, ''));
    process.stdout.write(HELP.replace('NAMES', names.join(', ')));
    return 0;
  }
  const chosen = words.length === 0 ? all : all.filter((name) => words.some((word) => name.includes(word)));
  if (chosen.length === 0) {
    process.stderr.write(`No benchmark has “${words.join('”, “')}” in its name. There are: ${all.join(', ')}\n`);
    return 2;
  }
  const say = (text: string) => {
    if (!json) process.stdout.write(`${text}\n`);
  };
  const gigabytes = Math.round(totalmem() / 1e9);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${gigabytes} GB`;
  say(`${machine}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`);
  const rows: Row[] = [];
  const failed: string[] = [];
  for (const name of chosen) {
    say(`\n${name.replace(/\.bench\.js$/, '')}`);
    const ok = await run(name, options, (row) => {
      rows.push(row);
      say(drawn(row));
    });
    if (!ok) failed.push(name);
  }
  if (json)
    process.stdout.write(`${JSON.stringify({machine, node: process.version, at: new Date(), rows}, null, 2)}\n`);
  if (failed.length > 0) process.stderr.write(`Failed: ${failed.join(', ')}\n`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
