/** Where a model of the store comes from, how it was asked there, and what chat and eval make of it. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {originOf} from '../../../bin/access/model-origin.js';
import {samplingOf} from '../../../bin/options/sampling-options.js';
import {askedAsText, originText} from '../../../bin/render/model-origin.js';
import type {Json} from '../../../artifacts/index.js';
import {Bench, edge} from '../../artifacts/temporary.js';
import type {Made} from '../../artifacts/temporary.js';

const model = (text: string) => ({model: {kind: 'model', files: {'config.json': text}}});

/**
 *  corpus ── base (pretrain) ──┐
 *  answers ────────────────────┴─ taught (sft) ── whole (gate)
 */
async function family(
  t: TestContext,
  params: Readonly<Record<string, Json>>,
): Promise<{bench: Bench; taught: Made; whole: Made}> {
  const bench = new Bench(t);
  const data = (node: string) =>
    bench.make({node, stage: node, outputs: {rows: {kind: 'dataset', files: {'rows.jsonl': `{"id":"${node}"}\n`}}}});
  const [corpus, answers] = [await data('corpus'), await data('answers')];
  const base = await bench.make({
    ...{node: 'base', stage: 'pretrain', outputs: model('base')},
    params: {gateTemplate: 'tiny-zero'},
    inputs: [edge(corpus, 'rows', 'documents')],
  });
  const taught = await bench.make({
    ...{node: 'taught', stage: 'sft', params, outputs: model('taught')},
    inputs: [edge(base, 'model', 'base'), edge(answers, 'rows', 'data', 'answers')],
  });
  const whole = await bench.make({
    ...{node: 'whole', stage: 'gate', params: {template: 'none'}, outputs: model('whole')},
    inputs: [edge(taught, 'model', 'model')],
  });
  return {bench, taught, whole};
}

const flags = {seed: 0, temperature: 0.6, topP: 0.95, threads: 1};
const note = (): void => undefined;

test('a model is told with its trainings and their data, back to the first', async (t) => {
  const {bench, whole} = await family(t, {template: 'chat'});
  const origin = originOf(bench.store, bench.store.attempt(whole.attempt)!);
  assert.equal(
    originText(origin, 100),
    'whole: gate\n  from taught: sft on answers:rows\n  from base: pretrain on corpus:rows',
  );
  assert.deepEqual(
    origin.steps.map(({trains}) => trains),
    [false, true, true],
  );
  assert.deepEqual(origin.asked, {template: 'chat'}, 'as of the newest training, not of the gate behind it');
});

test('a snapshot comes from the training that kept it', async (t) => {
  const {bench, taught} = await family(t, {template: 'chat'});
  const zero = await bench.make({
    ...{node: 'zero', stage: 'grpo', params: {template: 'tiny-zero'}, inputs: [edge(taught, 'model', 'policy')]},
    outputs: {...model('zero'), snapshots: {kind: 'snapshots', files: {'step-5/config.json': 'of step 5'}}},
  });
  const step = await bench.make({
    ...{node: 'zero-step-5', stage: 'snapshot', params: {step: 5}, inputs: [edge(zero, 'snapshots', 'snapshots')]},
    outputs: model('of step 5'),
  });
  const origin = originOf(bench.store, bench.store.attempt(step.attempt)!);
  assert.deepEqual(
    origin.steps.map(({node}) => node),
    ['zero-step-5', 'zero', 'taught', 'base'],
  );
  assert.deepEqual(origin.asked, {template: 'tiny-zero'});
});

test('it is asked as it was trained, unless it is said otherwise', async (t) => {
  const shots = [{question: 'a', response: 'b'}];
  const params = {template: 'chat', prefill: '<think>', stop: ['\n\n'], shots, extraction: 'last-number', system: ''};
  const {bench, taught} = await family(t, params);
  const origin = originOf(bench.store, bench.store.attempt(taught.attempt)!);
  const {system: _, ...kept} = params;
  assert.deepEqual(origin.asked, kept);
  const of = (given: object) => samplingOf({...flags, ...given}, {room: 100, note, trained: origin.asked});
  const {template, prefill, stop, shots: own, system} = of({});
  assert.deepEqual(
    {template, prefill, stop, own, system},
    {
      template: 'chat',
      prefill: '<think>',
      stop: ['\n\n'],
      own: shots,
      system: '',
    },
  );
  assert.equal(of({prefill: ''}).prefill, '', 'a text that is given stands in the place of its own');
  assert.deepEqual(of({prefill: ''}).stop, ['\n\n']);
  const other = of({template: 'zero'});
  assert.deepEqual([other.template, other.prefill, other.shots], ['zero', '', []]);
  assert.equal(
    askedAsText(of({template: 'chat'}), {...origin, asked: {template: 'chat'}})?.startsWith('asked under'),
    true,
  );
  assert.match(askedAsText(other, origin)!, /^asked under zero; it was trained under chat, shots 1/);
});

test('of a model from elsewhere, or with params of no known shape, nothing is taken', async (t) => {
  const {bench, taught} = await family(t, {template: 7, shots: [1], stop: 'x'});
  const {asked} = originOf(bench.store, bench.store.attempt(taught.attempt)!);
  assert.deepEqual(asked, {template: 'tiny-zero'}, 'the training before it is known');
  const plain = samplingOf(flags, {room: 100, note});
  assert.deepEqual([plain.template, plain.prefill, plain.shots], ['chat', '', []]);
  const source = await bench.make({node: 'given', stage: 'import-model', outputs: model('given')});
  const origin = originOf(bench.store, bench.store.attempt(source.attempt)!);
  assert.equal(origin.asked, undefined);
  assert.equal(askedAsText({template: 'chat'}, origin), undefined);
  assert.equal(originText(origin, 100), 'given: import-model');
});
