/** The stage that makes the report: its params, down to the page. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import type {Params} from '../../pipeline/stage.js';
import {writeJson, writeRows} from '../../stages/data/rows.js';
import {scoreSamples} from '../../stages/evaluation/index.js';
import {report} from '../../stages/index.js';
import {temporaryFolder} from '../rig/temporary.js';
import {samplesOf} from './evaluation/samples.js';
import {mistakesOf} from '../rig/wired.js';
import {runHere} from './here.js';

/** Scores of a model, as `evaluate` writes them. */
async function scores(t: TestContext): Promise<string> {
  const folder = join(temporaryFolder(t), 'scores');
  const samples = samplesOf('rrww', 'rwww');
  const rows = samples.map((one) => ({id: `${one.prompt}#${one.sample}`, from: [one.prompt], ...one}));
  await writeRows(folder, rows);
  const asked = {model: 'f'.repeat(64), template: 'chat', temperature: 0.6, topP: 0.95, k: 4};
  await writeJson(join(folder, 'scores.json'), {
    format: 'r1-scores-1',
    ...asked,
    scores: scoreSamples(samples, {k: 4}),
  });
  return folder;
}

async function made(t: TestContext, params: Params): Promise<{page: string; data: Readonly<Record<string, unknown>>}> {
  const inputs = {scores: {base: await scores(t)}, histories: {}, cards: {}};
  const {out} = await runHere(t, report, {inputs: inputs as never, params});
  const read = (file: string): string => readFileSync(join(out('report'), file), 'utf8');
  return {page: read('report.md'), data: JSON.parse(read('report.json')) as Readonly<Record<string, unknown>>};
}

test('what a recipe says of its own numbers stands in the page and in the data', async (t) => {
  const remarks = ['`base` is an instruct model.', 'Two responses each | as declared.'];
  const {page, data} = await made(t, {remarks});
  assert.deepEqual(data['remarks'], remarks);
  const notes = page.slice(page.lastIndexOf('\n## '));
  for (const remark of remarks) assert.ok(notes.includes(remark), notes);
});

test('a recipe that says nothing leaves the report as it was', async (t) => {
  const {page, data} = await made(t, {});
  assert.ok(!('remarks' in data));
  const {page: longer} = await made(t, {remarks: ['A remark.']});
  assert.equal(longer.split('\n').filter((line) => line.includes('A remark.')).length, 1);
  assert.ok(longer.split('\n').length > page.split('\n').length);
  assert.ok(
    page.split('\n').every((line) => longer.split('\n').includes(line)),
    'nothing else changes',
  );
});

test('remarks that are no list of sentences are told before anything runs', () => {
  const mistakes = (remarks: unknown): string => mistakesOf(report, {remarks}).join();
  assert.equal(mistakes([]), '');
  assert.equal(mistakes(['A sentence.']), '');
  assert.equal(mistakes([1]), 'remarks is [1] and should be a list of sentences');
  for (const remarks of ['A sentence.', null]) assert.match(mistakes(remarks), /^param “remarks” is a list/);
});
