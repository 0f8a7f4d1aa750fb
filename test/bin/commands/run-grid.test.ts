/** `r1 run --seeds` and `--grid`: several runs at one word, each as if it had been typed by itself. */
import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {combinationsOf, seedList} from '../../../bin/options/grid-options.js';
import {r1, recipeFile} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

const COUNTING = recipeFile('counting');
const MISBEHAVING = recipeFile('misbehaving');

interface Ended {
  readonly type: string;
  readonly runs: readonly {
    readonly run: number;
    readonly seed: number;
    readonly label: string;
    readonly outcome: string;
  }[];
  readonly notStarted: readonly string[];
}

const lastLine = (text: string): Ended => JSON.parse(text.trimEnd().split('\n').at(-1)!) as Ended;

test('lists of seeds are ranges and numbers', () => {
  assert.deepEqual(seedList('0..4'), [0, 1, 2, 3, 4]);
  assert.deepEqual(seedList('7, 2..3 ,0'), [7, 2, 3, 0]);
  assert.deepEqual(
    seedList('5,6', seedList('0..1')),
    [0, 1, 5, 6],
    'an option that is repeated adds to what was there',
  );
  assert.throws(() => seedList('1', [0, 1]), /each seed is expected once/);
  assert.throws(() => seedList('1000', seedList('0..999')), /at most 1000 seeds/);
  for (const wrong of ['', '4..1', '1,', '-1', '1.5', 'a', '1..2..3', '0..99999999999999999', '3,1..4'])
    assert.throws(() => seedList(wrong), /expected/, wrong);
});

test('a grid is every combination, and each with every seed', () => {
  const of = (grid: string[], seeds?: number[]) =>
    combinationsOf({grid, ...(seeds === undefined ? {} : {seeds})}, {seed: 5, set: ['a.b=1']});
  assert.deepEqual(
    of(['x.y=1,2', 'x.z=p'], [0, 1]).map(({label}) => label),
    ['seed 0, x.y=1, x.z=p', 'seed 1, x.y=1, x.z=p', 'seed 0, x.y=2, x.z=p', 'seed 1, x.y=2, x.z=p'],
  );
  assert.deepEqual(of(['x.y=[[1,2],"a,b"]'])[1]!.request, {seed: 5, set: ['a.b=1', 'x.y="a,b"']});
  assert.deepEqual(of(['x.y=[[1,2],"a,b"]'])[0]!.cell, ['x.y=[1,2]']);
  for (const wrong of ['x.y', 'x.y=', '=1', 'x.y=1,,2', 'x.y=1,1', 'x.y=1,1.0', 'x.y=["a","a"]', 'x.y=[1', 'x.y=[]'])
    assert.throws(() => of([wrong]), /--grid/, wrong);
  assert.throws(() => of(['x.y=1,2', 'x.z=1', 'x.y=3']), /--grid x\.y is there twice/);
  assert.throws(() => of(['a.b=[' + Array.from({length: 1001}, (_, n) => n).join() + ']']), /more than 1000/);
});

test('one run for each, what they share is made once, and a table at the end', async (t) => {
  const cwd = temporaryFolder(t);
  const words = ['run', COUNTING, '--seeds', '0..1', '--grid', 'third.steps=5,6', '--set', 'second.steps=2'];
  const {code, out, err} = await r1(t, words, {cwd});
  assert.equal(code, 0, err);
  assert.match(err, /^1 of 4: seed 0, third\.steps=5\nrun 1: counting, seed 0, 3 of 3 nodes to run/m);
  assert.match(err, /run 3 succeeded in .*: 1 ran, 2 reused/);
  assert.match(out, /run 4 +seed 1, third\.steps=6 +succeeded/);
  const again = lastLine((await r1(t, [...words, '--json'], {cwd})).out);
  assert.equal(again.type, 'runs-finished');
  assert.deepEqual(
    again.runs.map(({run, seed, outcome}) => [run, seed, outcome]),
    [
      [5, 0, 'succeeded'],
      [6, 1, 'succeeded'],
      [7, 0, 'succeeded'],
      [8, 1, 'succeeded'],
    ],
  );
});

test('a run that fails does not keep the others from starting, unless that is asked for', async (t) => {
  const cwd = temporaryFolder(t);
  const words = ['run', MISBEHAVING, '--grid', 'bad.how=no output,not at all', '--json'];
  const {code, out} = await r1(t, words, {cwd});
  assert.equal(code, 1);
  assert.deepEqual(
    lastLine(out).runs.map(({label, outcome}) => [label, outcome]),
    [
      ['seed 0, bad.how=no output', 'failed'],
      ['seed 0, bad.how=not at all', 'succeeded'],
    ],
  );
  const stopped = await r1(t, [...words, '--on-failure', 'stop'], {cwd});
  assert.equal(stopped.code, 1);
  assert.deepEqual(lastLine(stopped.out).notStarted, ['seed 0, bad.how=not at all']);
});

test('a mistake in the last value shows before the first run begins, and leaves nothing behind', async (t) => {
  const cwd = temporaryFolder(t);
  const {code, err} = await r1(t, ['run', COUNTING, '--grid', 'third.steps=1,2,many'], {cwd});
  assert.equal(code, 2);
  assert.match(err, /third\.steps=many: param “steps” is a number/);
  const both = await r1(t, ['run', COUNTING, '--seed', '1', '--seeds', '2'], {cwd});
  assert.match(both.err, /--seed and --seeds are both given/);
  const plan = await r1(t, ['run', COUNTING, '--seeds', '3,4', '--dry-run'], {cwd});
  assert.match(plan.out, /seed 3\n[^]*seed 4\n/);
  assert.ok(!existsSync(join(cwd, '.r1')));
});
