/**
 * A store that somebody sent, hostile in one place at a time, under every command that reads: each ends with a result or with
 * a sentence, and writes nothing where it should not.
 */
import assert from 'node:assert/strict';
import {cpSync, readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import type {Command} from 'commander';
import Sqlite from 'better-sqlite3';
import {damageOf} from '../../artifacts/upkeep/damage.js';
import {UserError, plainError} from '../../artifacts/index.js';
import {claimsCommand} from '../../bin/commands/claims.js';
import {costCommand} from '../../bin/commands/cost.js';
import {diffCommand} from '../../bin/commands/diff.js';
import {exportCommand} from '../../bin/commands/export.js';
import {exportLineageCommand} from '../../bin/commands/export-lineage.js';
import {gcCommand} from '../../bin/commands/gc.js';
import {lineageCommand} from '../../bin/commands/lineage.js';
import {logCommand} from '../../bin/commands/log.js';
import {metricsCommand} from '../../bin/commands/metrics.js';
import {compareCommand} from '../../bin/commands/compare.js';
import {runsCommand} from '../../bin/commands/runs.js';
import {samplesCommand} from '../../bin/commands/samples.js';
import {scoresCommand} from '../../bin/commands/scores.js';
import {showCommand} from '../../bin/commands/show.js';
import {statusCommand} from '../../bin/commands/status.js';
import {tagCommand} from '../../bin/commands/tag.js';
import {traceCommand} from '../../bin/commands/trace.js';
import {verifyCommand} from '../../bin/commands/verify.js';
import {whyCommand} from '../../bin/commands/why.js';
import type {Services} from '../../bin/cli-context.js';
import {Bench} from '../artifacts/temporary.js';
import {r1} from '../rig/command.js';
import {forge} from '../rig/forge.js';
import {temporaryFolder} from '../rig/temporary.js';
import {spoken} from './spoken.js';

const STAGES = `
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {StageFailure, defineStage, many, recipe} from 'r1';
export const rows = defineStage({
  module: import.meta.url, name: 'rows', inputs: {from: 'data'}, outputs: {rows: 'dataset', model: 'model'}, params: {rate: 0.5, words: ['a']},
  async run({outputs, params, metric, progress}) {
    progress({step: 1, total: 2, tokens: 7});
    metric('loss', 1, params.rate);
    mkdirSync(outputs.rows);
    writeFileSync(join(outputs.rows, 'rows.jsonl'), '{"id": "r1", "rate": ' + params.rate + '}\\n');
    mkdirSync(join(outputs.model, 'empty'), {recursive: true});
    writeFileSync(join(outputs.model, 'config.json'), '{}');
  },
});
export const last = defineStage({
  module: import.meta.url, name: 'last', inputs: {rows: many('dataset')}, outputs: {rows: 'dataset'}, params: {fail: true},
  async run({outputs, params}) {
    if (params.fail) throw new StageFailure('as was asked for');
    mkdirSync(outputs.rows);
    writeFileSync(join(outputs.rows, 'rows.jsonl'), '{"id": "s1", "from": ["r1"]}\\n');
  },
});
export default recipe('two', (add) => {
  const from = add.source('from', 'data', './from.txt');
  const one = add('one', rows, {from});
  add('last', last, {rows: {a: one.rows}});
  add('good', last, {rows: {a: one.rows}}, {fail: false});
});
`;

/** What is typed; `TARGET` is a folder that is not there yet. */
const TYPED: readonly [(services: Services) => Command, string][] = [
  [statusCommand, ''],
  [statusCommand, '1 --json'],
  [logCommand, 'last'],
  [whyCommand, 'one'],
  [whyCommand, 'last --json'],
  [lineageCommand, 'good'],
  [lineageCommand, 'from --down --json'],
  [showCommand, 'one:rows'],
  [showCommand, 'last'],
  [showCommand, '@mine --json'],
  [runsCommand, ''],
  [runsCommand, '--json'],
  [metricsCommand, 'one'],
  [metricsCommand, 'one --json'],
  [scoresCommand, ''],
  [samplesCommand, 'one:rows'],
  [samplesCommand, 'good --json'],
  [samplesCommand, '2/one:rows --beside 1/one:rows'],
  [compareCommand, 'one good'],
  [claimsCommand, ''],
  [costCommand, ''],
  [costCommand, '--json'],
  [diffCommand, '1 2'],
  [diffCommand, '1 2 --json'],
  [diffCommand, '1/one:rows 2/one:rows'],
  [exportCommand, 'one:model TARGET'],
  [exportCommand, '@mine TARGET'],
  [exportLineageCommand, '--format prov'],
  [exportLineageCommand, '1 --format openlineage'],
  [exportLineageCommand, '--format dot'],
  [exportLineageCommand, '--format json'],
  [traceCommand, 's1'],
  [verifyCommand, ''],
  [verifyCommand, '--json'],
  [gcCommand, '--dry-run --keep-runs 1'],
  [gcCommand, '--dry-run --keep-runs 1 --json'],
  [tagCommand, ''],
];

async function wholeStore(t: TestContext): Promise<string> {
  const cwd = temporaryFolder(t, {'two.mjs': STAGES, 'from.txt': 'from'});
  const typed = async (code: number, ...words: string[]) => {
    const ended = await r1(t, words, {cwd});
    assert.equal(ended.code, code, `${words.join(' ')}: ${ended.out}${ended.err}`);
  };
  await typed(1, 'run', './two.mjs', '--on-failure', 'continue');
  await typed(1, 'run', './two.mjs', '--on-failure', 'continue', '--set', 'one.rate=0.25');
  await typed(0, 'tag', 'mine', 'one:rows');
  await typed(0, 'pin', 'one:model');
  await typed(0, 'reproduce', 'good');
  return join(cwd, '.r1');
}

/** JSON columns are given all of the texts, others one of their kind in turn. */
const JSON_COLUMNS = ['json', 'detail', 'empty_folders'];
const TEXTS = [
  '\u001b]0;T\u0007\u001b[2J\u009b31m\u202e/../..\n',
  '',
  'no JSON {',
  'null',
  '[1]',
  '{"version":2,"nodes":{"a":{}},"reason":7,"code":[]}',
];
const NUMBERS = [-1, 9007199254740991, 0, 1, 99];
const REALS = [-1, 1e308, null];

interface Column {
  readonly table: string;
  readonly column: string;
  readonly type: string;
}

/** Columns of all tables but of those that are caches. */
function columnsOf(store: string): Column[] {
  const db = new Sqlite(join(store, 'store.db'), {readonly: true});
  try {
    return db
      .prepare<[], Column>(
        `SELECT t.name AS "table", c.name AS "column", c.type FROM pragma_table_list t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT IN ('stat_cache', 'verify_mark')`,
      )
      .all();
  } finally {
    db.close();
  }
}

/** What ended otherwise than with a result or a sentence, of all that is typed. */
async function look(store: string, what: string, outside: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const [make, line] of TYPED) {
    const target = join(outside, 'target');
    const words = line.split(' ').filter((word) => word !== '');
    try {
      await spoken(
        make,
        store,
        words.map((word) => (word === 'TARGET' ? target : word)),
      );
    } catch (error) {
      // As `main` does.
      const isSaid =
        plainError(error, 'carry this out') instanceof UserError ||
        (error as Error).name === 'StageFailure' ||
        damageOf(store) !== undefined;
      if (!isSaid) wrong.push(`${what}: ${make.name} ${line}: ${(error as Error).stack ?? String(error)}`);
    }
    rmSync(target, {recursive: true, force: true});
    assert.deepEqual(readdirSync(outside), [], `${what}: ${line}`);
  }
  return wrong;
}

test('every command ends with a result or a sentence, whatever one column of the store says', async (t) => {
  const whole = await wholeStore(t);
  assert.equal(damageOf(whole), undefined);
  const outside = temporaryFolder(t);
  const copy = join(temporaryFolder(t), 'store');
  const wrong = await look(whole, 'whole', outside);
  const tried = async (what: string, sql: string, ...values: (string | number | null)[]): Promise<void> => {
    rmSync(copy, {recursive: true, force: true});
    cpSync(whole, copy, {recursive: true});
    try {
      forge(copy, (db) => db.run(sql, ...values));
    } catch (error) {
      if (/CONSTRAINT|MISMATCH/.test((error as {code?: string}).code ?? '')) return; // SQLite keeps it.
      throw error;
    }
    wrong.push(...(await look(copy, what, outside)));
  };
  const columns = columnsOf(whole);
  let turn = 0;
  for (const {table, column, type} of columns) {
    const values = type === 'TEXT' ? TEXTS : type === 'REAL' ? REALS : NUMBERS;
    const given = JSON_COLUMNS.includes(column) ? values : [values[turn++ % values.length]!];
    for (const value of given)
      await tried(
        `${table}.${column} = ${JSON.stringify(value)}`,
        `UPDATE OR REPLACE ${table} SET ${column} = ?`,
        value,
      );
  }
  for (const table of new Set(columns.map((each) => each.table))) {
    await tried(`without ${table}`, `DROP TABLE ${table}`);
    await tried(`nothing in ${table}`, `DELETE FROM ${table}`);
  }
  assert.deepEqual(wrong, []);
});

test('a report that is none is said, whatever lies in its place', async (t) => {
  const reports: Record<string, Record<string, string>> = {
    'without its files': {'report.md': ''},
    'no JSON': {'scores.json': '[{', 'claims.json': '{'},
    'other JSON': {'scores.json': '{"a": 1}', 'claims.json': 'null'},
    'a folder in the place of a file': {'scores.json/x': '', 'claims.json/x': ''},
  };
  for (const [what, files] of Object.entries(reports)) {
    const bench = new Bench(t);
    await bench.make({node: 'report', outputs: {report: {kind: 'report', files}}});
    for (const command of [claimsCommand]) {
      const {code, err} = await spoken(command, bench.folder, []).catch((error: unknown) => {
        assert.equal((error as Error).name, 'StageFailure', `${what}: ${(error as Error).stack ?? ''}`);
        return {code: 2, err: (error as Error).message};
      });
      assert.equal(code, 2, what);
      assert.match(err, /is not a report|is not what it should be|expected/i, what);
    }
  }
});
