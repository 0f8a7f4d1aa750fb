/**
 * Pages of the database are damaged, one at a time. Every command either works or says in a sentence what is damaged and
 * what to do; and `r1 verify` passes only what still answers as before.
 *
 * `R1_FAULT_EVERY=1` damages every page, and asks all the commands; without, a sample is drawn.
 */
import assert from 'node:assert/strict';
import {closeSync, cpSync, openSync, readFileSync, rmSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {r1, recipeFile} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {outputsOf, randomFrom} from './sound.js';

const EVERY = Number(process.env['R1_FAULT_EVERY'] ?? 0);
const SAMPLE = 6;
const SEED = Number(process.env['R1_FAULT_SEED'] ?? 1);
const RECIPE = recipeFile('pair');
/** Offset and size of the page size in the header of a database (https://www.sqlite.org/fileformat.html, section 1.3). */
const PAGE_SIZE_AT = 16;

const COMMANDS: readonly (readonly string[])[] = [
  ['verify'],
  ['doctor'],
  ['status'],
  ['runs'],
  ['why', 'third'],
  ['lineage', 'third'],
  ['show', 'third'],
  ['gc', '--dry-run'],
  ['run', RECIPE],
];

type Harm = 'noise' | 'flips';

/** Fills a page with noise, or flips a few bits of it. */
function harm(
  file: string,
  {page, size, how, random}: {page: number; size: number; how: Harm; random: () => number},
): void {
  const bytes = readFileSync(file).subarray(page * size, (page + 1) * size);
  if (how === 'noise') for (let i = 0; i < size; i++) bytes[i] = Math.floor(random() * 256);
  else
    for (let i = 0; i < 8; i++) {
      const at = Math.floor(random() * size);
      bytes[at] = bytes[at]! ^ (1 << Math.floor(random() * 8));
    }
  const fd = openSync(file, 'r+');
  try {
    writeSync(fd, bytes, 0, size, page * size);
  } finally {
    closeSync(fd);
  }
}

async function look(t: TestContext, cwd: string, words: readonly string[], where: string): Promise<number> {
  const {code, signal, err, out} = await r1(t, words, {cwd});
  const said = `${words.join(' ')}, ${where}:\n${out}${err}`;
  assert.equal(signal, null, said);
  assert.doesNotMatch(out + err, /^\s+at .*:\d+:\d+\)?$|Internal error|TypeError|SyntaxError/m, said);
  assert.ok(code !== null, said);
  if (code !== 0) assert.ok((out + err).trim().length > 0, said);
  // Whatever SQLite itself finds wrong has a way out.
  if (/^database: |database is damaged|not a database/m.test(out + err))
    assert.match(out + err, /restore store\.db from a copy|with --store FOLDER|r1 verify/, said);
  return code;
}

test(`a damaged page is a sentence, and verify passes no wrong answer, seed ${SEED}`, async (t) => {
  const whole = temporaryFolder(t);
  assert.equal((await r1(t, ['run', RECIPE], {cwd: whole})).code, 0);
  const expected = outputsOf(whole);
  const database = readFileSync(join(whole, '.r1', 'store.db'));
  const size = database.readUInt16BE(PAGE_SIZE_AT);
  const pages = database.length / size;
  const random = randomFrom(SEED);
  const chosen =
    EVERY > 0
      ? Array.from({length: Math.ceil(pages / EVERY)}, (_, i) => i * EVERY)
      : [0, ...Array.from({length: SAMPLE - 1}, () => Math.floor(random() * pages))];
  const losses: string[] = [];
  let noticed = 0;
  for (const [index, page] of chosen.entries()) {
    const hows: readonly Harm[] = EVERY > 0 ? ['noise', 'flips'] : [index % 2 === 0 ? 'noise' : 'flips'];
    for (const how of hows) {
      const where = `page ${page + 1} of ${pages}: ${how}`;
      const cwd = temporaryFolder(t);
      cpSync(whole, cwd, {recursive: true});
      harm(join(cwd, '.r1', 'store.db'), {page, size, how, random});
      try {
        const verified = await look(t, cwd, ['verify'], where);
        if (verified !== 0) noticed += 1;
        else assert.deepEqual(outputsOf(cwd), expected, where);
        const others = EVERY > 0 ? COMMANDS.slice(1) : [COMMANDS[1 + (index % (COMMANDS.length - 1))]!];
        for (const words of others) await look(t, cwd, words, where);
        rmSync(cwd, {recursive: true, force: true});
      } catch (error) {
        losses.push((error as Error).message);
      }
    }
  }
  t.diagnostic(`${pages} pages, ${noticed} damages noticed by verify`);
  const tried = chosen.length * (EVERY > 0 ? 2 : 1);
  t.diagnostic(`${tried * (EVERY > 0 ? COMMANDS.length : 2)} runs, ${tried} faults, ${losses.length} losses`);
  assert.deepEqual(losses, []);
});
