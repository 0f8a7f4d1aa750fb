/** `r1 resume`: pinned successes, today's code, and what becomes of checkpoints that other code wrote. */
import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import type {Store} from '../../../artifacts/index.js';
import {r1} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** first ─→ second: the second one fails at step 6, until its code is mended. */
const RECIPE = `
import {recipe} from 'r1';
import type {Add} from 'r1';
import {first} from './first.ts';
import {second} from './second.ts';

export default recipe('two', (add: Add) => {
  const {text} = add('first', first, {});
  add('second', second, {text}, {}, {checkpointEvery: 1});
});
`;
const FIRST = `
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {defineStage} from 'r1';

export const first = defineStage({
  module: import.meta.url, name: 'first', inputs: {}, outputs: {text: 'text'}, params: {text: 'one'},
  async run({outputs, params}) {
    mkdirSync(outputs.text);
    writeFileSync(join(outputs.text, 'text'), params.text);
  },
});
`;
const SECOND = `
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {StageFailure, defineStage} from 'r1';

export const second = defineStage({
  module: import.meta.url, name: 'second', inputs: {text: 'text'}, outputs: {text: 'text'}, params: {steps: 9},
  async run({outputs, params, checkpoints, note}) {
    let done = 0;
    if (checkpoints.latest !== undefined) done = Number(readFileSync(join(checkpoints.latest, 'done'), 'utf8'));
    note('starts behind ' + done);
    for (let step = done + 1; step <= params.steps; step++) {
      if (step === 6) throw new StageFailure('stuck at 6');
      await checkpoints.save(step, (folder) => writeFileSync(join(folder, 'done'), String(step)));
    }
    mkdirSync(outputs.text);
    writeFileSync(join(outputs.text, 'text'), 'done');
  },
});
`;
const MENDED = SECOND.replace("if (step === 6) throw new StageFailure('stuck at 6');", '');

const FILES = {'two.recipe.ts': RECIPE, 'first.ts': FIRST, 'second.ts': SECOND};

function reading<T>(cwd: string, read: (store: Store) => T): T {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    return read(store);
  } finally {
    store.close();
  }
}

const logOf = (cwd: string, attempt: number): string =>
  readFileSync(join(cwd, '.r1', 'jobs', String(attempt), 'output.log'), 'utf8');

test('code that was mended runs from the start, and the difference is told and recorded', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  assert.equal((await r1(t, ['run', './two.recipe.ts'], {cwd})).code, 1);
  writeFileSync(join(cwd, 'second.ts'), MENDED);
  const resumed = await r1(t, ['resume'], {cwd});
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(resumed.err, /second: changed since attempt 2: code of second\.ts/);
  assert.match(
    resumed.err,
    /second: the checkpoint at step 5 of attempt 2 is not used, because of code of second\.ts; --accept-checkpoint/,
  );
  assert.match(logOf(cwd, 3), /starts behind 0/);
  const attempt = reading(cwd, (store) => store.attemptsOf(store.latestRun()!.id, 'second').at(-1)!);
  assert.equal(attempt.because, 'last time: failed; since then: code of second.ts');
  assert.equal(attempt.continues, undefined);
});

test('--accept-checkpoint goes on from it, says so in the lineage, and the output is never a hit', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  assert.equal((await r1(t, ['run', './two.recipe.ts'], {cwd})).code, 1);
  writeFileSync(join(cwd, 'second.ts'), MENDED);
  const resumed = await r1(t, ['resume', '--accept-checkpoint'], {cwd});
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(logOf(cwd, 3), /starts behind 5/);
  const attempt = reading(cwd, (store) => store.attemptsOf(store.latestRun()!.id, 'second').at(-1)!);
  assert.deepEqual(attempt.continues, {attempt: 2, step: 5, accepted: 'code of second.ts'});
  const again = await r1(t, ['run', './two.recipe.ts'], {cwd});
  assert.equal(again.code, 0, again.err);
  assert.match(again.err, /1 ran, 1 reused/);
  assert.match(again.err, /second\s+started: .*checkpoint/);
  assert.match(logOf(cwd, 4), /starts behind 0/);
});

test('a definition that was mended is other code, too: its node goes on from a checkpoint only if that is accepted', async (t) => {
  const limited = SECOND.replace("defineStage} from 'r1'", "defineStage, importDefinition} from 'r1'")
    .replace('params: {steps: 9},', "params: {steps: 9}, definitions: {limits: 'limit'},")
    .replace(
      'checkpoints, note}) {',
      'checkpoints, note, definitions}) {\n    const limit = await importDefinition(definitions.limits[0]!) as never as {at: number};',
    )
    .replace('step === 6', 'step === limit.at');
  const files = {
    'second.ts': limited,
    'limit.ts': "export const limit = {kind: 'limit', name: 'limit', module: import.meta.url, at: 6} as const;",
    'two.recipe.ts': RECIPE.replace('{checkpointEvery: 1}', '{checkpointEvery: 1, limits: [limit]}').replace(
      'import {first}',
      "import {limit} from './limit.ts';\nimport {first}",
    ),
  };
  const cwd = temporaryFolder(t, {...FILES, ...files});
  const failed = await r1(t, ['run', './two.recipe.ts'], {cwd});
  assert.match(failed.err, /stuck at 6/);
  writeFileSync(join(cwd, 'limit.ts'), files['limit.ts'].replace('at: 6', 'at: 8'));
  const because = 'limits/limit: code of limit.ts';
  const refused = await r1(t, ['resume'], {cwd});
  assert.match(refused.err, new RegExp(`the checkpoint at step 5 of attempt 2 is not used, because of ${because};`));
  assert.match(logOf(cwd, 3), /starts behind 0/);
  writeFileSync(join(cwd, 'limit.ts'), files['limit.ts'].replace('at: 6', 'at: 10'));
  const accepted = await r1(t, ['resume', '--accept-checkpoint'], {cwd});
  assert.equal(accepted.code, 0, accepted.err);
  assert.match(logOf(cwd, 4), /starts behind 7/);
  const attempt = reading(cwd, (store) => store.attemptsOf(store.latestRun()!.id, 'second').at(-1)!);
  assert.deepEqual(attempt.continues, {attempt: 3, step: 7, accepted: because});
});

test('resume follows the run’s own params, run follows today’s recipe', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  assert.equal((await r1(t, ['run', './two.recipe.ts', '--set', 'first.text=two'], {cwd})).code, 1);
  writeFileSync(join(cwd, 'second.ts'), MENDED);
  writeFileSync(join(cwd, 'two.recipe.ts'), RECIPE.replace('first, {}', "first, {}, {text: 'three'}"));
  const resumed = await r1(t, ['resume', '1'], {cwd});
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(resumed.err, /1 ran, 1 reused/, 'the first node stays as it was made');
  const [first] = reading(cwd, (store) => store.attemptsOf(store.latestRun()!.id, 'first'));
  assert.deepEqual(first?.params, {text: 'two'});
  const run = await r1(t, ['run', './two.recipe.ts'], {cwd});
  assert.match(run.err, /first\s+started: text two → three\n/);
});

test('a param of the run that the stage no longer takes stops the resume, unless its node has been made', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  assert.equal((await r1(t, ['run', './two.recipe.ts'], {cwd})).code, 1);
  const withOthers = (text: string, params: string): string => text.replace(/params: \{[^}]*\}/, `params: ${params}`);
  writeFileSync(join(cwd, 'second.ts'), withOthers(MENDED, '{updates: 9}'));
  const gone = await r1(t, ['resume'], {cwd});
  assert.equal(gone.code, 2);
  assert.match(
    gone.err,
    /node “second”, stage “second”: the run has other params than the stage takes today: stage “second” has no param “steps”; it has updates/,
  );
  assert.match(gone.err, /r1 run follows the recipe as it is today/);
  writeFileSync(join(cwd, 'second.ts'), withOthers(MENDED, "{steps: 'nine'}"));
  assert.match((await r1(t, ['resume'], {cwd})).err, /param “steps” is a string \(default "nine"\), not 9/);
  // The first node has been made, and nothing runs with its params any more.
  writeFileSync(join(cwd, 'first.ts'), withOthers(FIRST, '{words: []}'));
  writeFileSync(join(cwd, 'second.ts'), MENDED);
  const resumed = await r1(t, ['resume'], {cwd});
  assert.equal(resumed.code, 0, resumed.err);
});

test('--accept-checkpoint says why a checkpoint cannot be used all the same', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  assert.equal((await r1(t, ['run', './two.recipe.ts'], {cwd})).code, 1);
  writeFileSync(join(cwd, 'second.ts'), MENDED.replace('{steps: 9}', '{steps: 9, pace: 1}'));
  const resumed = await r1(t, ['resume', '--accept-checkpoint'], {cwd});
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(
    resumed.err,
    /second: the checkpoint at step 5 of attempt 2 cannot be used: more than code has changed since, pace none → 1/,
  );
  assert.match(logOf(cwd, 3), /starts behind 0/);
});

test('there is nothing to resume in an empty store, and in a run that succeeded', async (t) => {
  const cwd = temporaryFolder(t, {...FILES, 'second.ts': MENDED});
  openStore(join(cwd, '.r1')).close();
  const none = await r1(t, ['resume'], {cwd});
  assert.equal(none.code, 2);
  assert.match(none.err, /there is no run to resume/);
  assert.equal((await r1(t, ['run', './two.recipe.ts'], {cwd})).code, 0);
  const done = await r1(t, ['resume'], {cwd});
  assert.equal(done.code, 0);
  assert.match(done.err, /run 1 has succeeded/);
  assert.equal((await r1(t, ['resume', '9'], {cwd})).code, 2);
});

test('what comes from outside is no reused node, in a run that was resumed as in its first session', async (t) => {
  const outside = RECIPE.replace("add('first', first, {})", "{text: add.source('numbers', 'text', './numbers')}");
  const cwd = temporaryFolder(t, {...FILES, 'two.recipe.ts': outside, 'numbers/text': 'one'});
  for (const words of [['run', './two.recipe.ts'], ['resume']]) {
    const ended = await r1(t, words, {cwd});
    assert.match(ended.err, /^run 1: two, seed 0, 1 of 1 nodes to run/m);
    assert.match(ended.err, /^run 1 failed in .*: 0 ran, 0 reused, 1 failed$/m);
    assert.match((await r1(t, ['status'], {cwd})).out, /^numbers {2}source .*\nsecond {3}failed /m);
  }
});

test('status, why and log tell of the run from the store alone', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  await r1(t, ['run', './two.recipe.ts'], {cwd});
  const status = await r1(t, ['status'], {cwd});
  assert.match(status.out, /^run 1: two, seed 0: failed\nfirst\s+done .*\nsecond\s+failed .*stuck at 6\n\nr1 resume 1/);
  const json = JSON.parse((await r1(t, ['status', '--json'], {cwd})).out) as {nodes: {node: string; state: string}[]};
  assert.deepEqual(
    json.nodes.map(({node, state}) => `${node} ${state}`),
    ['first done', 'second failed'],
  );
  assert.match(
    (await r1(t, ['why', 'second'], {cwd})).out,
    /^run 1: second ran: never made before\nattempt 2: stuck at 6/,
  );
  assert.match((await r1(t, ['log', 'second'], {cwd})).out, /starts behind 0\nstuck at 6/);
  const unknown = await r1(t, ['log', 'secnod'], {cwd});
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /no run includes a node “secnod”, did you mean “second”\?/);
  assert.equal((await r1(t, ['why', 'second', '--run', '7'], {cwd})).code, 2);
});
