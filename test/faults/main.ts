/**
 * The whole campaign: `npm run faults`. Runs every test of faults at its full size, each in a process of its own with low
 * priority, and sums up what their closing lines say: `N runs, M faults, L losses`.
 *
 * - `R1_KILLS` (500): runs that are killed at random; of `trainer`, kills.
 * - `R1_FAULT_EVERY` (1): every so many operations, pages and sizes of what is left of a disk; 1 tries all.
 * - `R1_FAULT_SEED` (drawn and printed): the same seed draws the same faults.
 * - Words behind `--` choose: `npm run faults -- kill errors`.
 */
import {spawn} from 'node:child_process';
import {constants, setPriority} from 'node:os';
import {fileURLToPath} from 'node:url';

/** Test file below dist/test, by the word that chooses it. */
const PARTS: Readonly<Record<string, string>> = {
  'power-cut': 'artifacts/power-cut.test.js',
  errors: 'faults/errors.test.js',
  'full-disk': 'faults/full-disk.test.js',
  damage: 'faults/damage.test.js',
  together: 'faults/together.test.js',
  stages: 'faults/stages.test.js',
  kill: 'faults/kill.test.js',
  trainer: 'faults/trainer.test.js',
};

interface Sum {
  readonly runs: number;
  readonly faults: number;
  readonly losses: number;
}

function part(file: string, env: NodeJS.ProcessEnv): Promise<{readonly ok: boolean; readonly said: string}> {
  return new Promise((resolve, reject) => {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    const words = ['--enable-source-maps', '--test', '--test-reporter=spec', path];
    const child = spawn(process.execPath, words, {env: {...process.env, ...env}, stdio: ['ignore', 'pipe', 'inherit']});
    let said = '';
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      process.stdout.write(data);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ok: code === 0, said}));
  });
}

/** Adds up the lines `N runs, M faults, L losses` of a part; a part that ended badly has lost at least once. */
function sumOf({ok, said}: {readonly ok: boolean; readonly said: string}): Sum {
  const lines = [...said.matchAll(/(\d+) runs, (\d+) faults, (\d+) losses/g)];
  const add = (group: number) => lines.reduce((sum, line) => sum + Number(line[group]), 0);
  return {runs: add(1), faults: add(2), losses: Math.max(add(3), ok ? 0 : 1)};
}

async function main(words: readonly string[]): Promise<number> {
  const unknown = words.filter((word) => PARTS[word] === undefined);
  if (unknown.length > 0) {
    process.stderr.write(`there is no part “${unknown.join('”, “')}”; there are ${Object.keys(PARTS).join(', ')}\n`);
    return 2;
  }
  setPriority(constants.priority.PRIORITY_LOW);
  const {
    R1_FAULT_SEED: seed = String(Date.now() % 1_000_000),
    R1_KILLS: kills = '500',
    R1_FAULT_EVERY: every = '1',
  } = process.env;
  process.stdout.write(`seed ${seed}, ${kills} killed runs, every operation in ${every}\n`);
  const sums: Sum[] = [];
  for (const [word, file] of Object.entries(PARTS)) {
    if (words.length > 0 && !words.includes(word)) continue;
    sums.push(sumOf(await part(file, {R1_FAULT_SEED: seed, R1_KILLS: kills, R1_FAULT_EVERY: every})));
  }
  const total = (of: (sum: Sum) => number) => sums.reduce((sum, one) => sum + of(one), 0);
  const losses = total((sum) => sum.losses);
  process.stdout.write(`\n${total(({runs}) => runs)} runs, ${total(({faults}) => faults)} faults, ${losses} losses\n`);
  return losses === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
