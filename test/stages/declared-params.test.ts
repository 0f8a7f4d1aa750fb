/**
 * Every param of every stage is declared: what it does, and what it may be. What is outside of that is refused before anything
 * runs, in the words of the declaration, which `r1 params` shows as well.
 */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {isWithin, rangeText} from '../../pipeline/params.js';
import {isStage, type AnyStage} from '../../pipeline/stage.js';
import {aboutOf} from '../../pipeline/wiring/ranges.js';
import * as exported from '../../stages/index.js';
import {mistakesOf} from '../rig/wired.js';

const stages: readonly AnyStage[] = Object.values<unknown>(exported).filter(isStage);
const {corpus, evaluate, fetchModel, gate, grpo, importDataset, prompts, sft} = exported;

test('every param of every stage says what it does, and every number, list and record what it may be', () => {
  assert.ok(stages.length > 20, 'the stages were found');
  for (const stage of stages) {
    assert.deepEqual(Object.keys(stage.about ?? {}), Object.keys(stage.params), stage.name);
    for (const [name, value] of Object.entries(stage.params)) {
      const about = aboutOf(stage, name)!;
      assert.match(about.text, /^\S.{6,}[.)]$|^Documents\.$/s, `${stage.name}.${name} is told in a sentence`);
      if (typeof value === 'number' || typeof value === 'object')
        assert.ok(
          about.range !== undefined || stage.choices?.[name] !== undefined,
          `${stage.name}.${name} has a range or choices`,
        );
      if (typeof value === 'number' && about.range !== undefined)
        assert.ok(isWithin(about.range, value), `the default of ${stage.name}.${name} is in its range`);
    }
  }
});

test('a stage that trains says so', () => {
  for (const stage of stages)
    assert.equal(
      stage.trains === true,
      Object.hasOwn(stage.params, 'learningRate'),
      `${stage.name} has a learning rate`,
    );
});

for (const stage of stages)
  test(`${stage.name} refuses numbers that it cannot use`, () => {
    const numbers = Object.entries(stage.params).filter(([, value]) => typeof value === 'number');
    for (const [name] of numbers) {
      const {range} = aboutOf(stage, name)!;
      const of = (value: unknown): string => mistakesOf(stage, {[name]: value}).join('; ');
      assert.match(of(NaN), new RegExp(`params\\.${name} is NaN`), stage.name);
      assert.match(of('5'), /is a number|is one of 0, 1/, `${stage.name}.${name}`);
      if (range === undefined) {
        assert.match(of(7), /is one of 0, 1, not 7/, `${stage.name}.${name}`);
        continue;
      }
      const refused = (value: number | null): void => {
        assert.ok(
          of(value).includes(`${name} is ${value} and should be ${rangeText(range)}`),
          `${stage.name}: ${name} = ${value}: ${of(value)}`,
        );
      };
      refused(null);
      if (!/[sS]eed$/.test(name)) refused(-5);
      if ('whole' in range) refused(1.5);
    }
  });

/** The first of the mistakes of a stage with one param set. */
const first = (stage: AnyStage, name: string, value: unknown): string | undefined =>
  mistakesOf(stage, {[name]: value})[0];

test('ranges are told in words', () => {
  const words: readonly (readonly [AnyStage, string, unknown, string])[] = [
    [grpo, 'steps', -5, 'a whole number, 1 or more'],
    [grpo, 'group', 1, 'a whole number, 2 or more: a completion learns from the others of its group'],
    [grpo, 'temperature', 0, 'above 0'],
    [gate, 'temperature', -1, '0 or more: 0 takes the likeliest token'],
    [gate, 'topP', 0, 'above 0 and at most 1'],
    [gate, 'topP', 7, 'above 0 and at most 1'],
    [gate, 'least', 0, 'a share, above 0 and at most 1'],
    [gate, 'rewardTimeout', 2 ** 31, 'milliseconds, above 0 and at most 2147483647'],
    [evaluate, 'evaluationSeed', 1.5, 'a whole number'],
    [evaluate, 'prompts', -1, 'a whole number, 0 or more'],
    [sft, 'beta2', 1, '0 or more and below 1'],
    [sft, 'epochs', 0, 'above 0'],
    [grpo, 'learningRate', 100, 'above 0 and at most 1: AdamW moves a weight by about this much in an update'],
    [sft, 'learningRate', 1.5, 'above 0 and at most 1: AdamW moves a weight by about this much in an update'],
    [exported.helpfulRewardModel, 'heldOut', 1, 'a share, above 0 and below 1'],
    [prompts, 'chinese', 1.1, 'a share, from 0 to 1'],
    [exported.fetchPackage, 'megabytes', 0, 'above 0'],
  ];
  for (const [stage, name, value, should] of words) {
    const said = mistakesOf(stage, {[name]: value});
    assert.ok(said.includes(`${name} is ${String(value)} and should be ${should}`), `${name}: ${said.join('; ')}`);
  }
});

test('what is at the edge of a range is right', () => {
  assert.deepEqual(mistakesOf(gate, {temperature: 0, topP: 1, maxNewTokens: 1, chunk: 1, gateSeed: -1}), []);
  assert.deepEqual(mistakesOf(sft, {epochs: 0.5, batch: 1, microBatch: 1, warmup: 0, beta2: 0}), []);
  assert.deepEqual(mistakesOf(prompts, {fewestSteps: 5, chinese: 1}), []);
});

test('texts, lists and records have a form', () => {
  assert.match(first(fetchModel, 'repo', 'name')!, /^repo is “name” and should be organization\/name$/);
  assert.match(first(importDataset, 'files', '(')!, /^files is “\(” and should be a regular expression$/);
  assert.match(first(corpus, 'steps', [])!, /^steps is \[\] and should be a list of whole numbers, 1 or more$/);
  assert.match(first(corpus, 'steps', [1, 0.5])!, /^steps is \[1,0\.5\] and should be/);
  const shares = {plain: 1, zero: 0, chat: 0};
  assert.match(
    first(corpus, 'sources', shares)!,
    /^sources is \{.*\} and should be numbers, 0 or more and not all 0, for/,
  );
  assert.deepEqual(mistakesOf(corpus, {sources: {...shares, general: 0}}), []);
  assert.match(first(corpus, 'sources', {...shares, general: -1})!, /should be numbers, 0 or more/);
  assert.match(first(corpus, 'sources', {...shares, plain: 0, general: 0})!, /not all 0/);
});

test('params that do not go together are told after their ranges', () => {
  const between = mistakesOf(prompts, {fewestSteps: 6});
  assert.deepEqual(between, ['fewestSteps is 6 and should be at most mostSteps, which is 5']);
  assert.deepEqual(mistakesOf(prompts, {fewestSteps: 0, mostSteps: -1}), [
    'fewestSteps is 0 and should be a whole number, 1 or more',
    'mostSteps is -1 and should be a whole number, 1 or more',
  ]);
});

test('a recipe may not say null where words or numbers are wanted, but where a stage lists it', () => {
  assert.match(first(grpo, 'template', null)!, /^param “template” is a string .*, not null$/);
  assert.match(first(grpo, 'steps', null)!, /^steps is null and should be a whole number/);
  const {language} = importDataset.params;
  assert.equal(language, null);
  assert.deepEqual(mistakesOf(importDataset, {language: null}, {inputs: ['file']}), []);
  assert.match(mistakesOf(importDataset, {language: 'xx'}, {inputs: ['file']}).join(), /is one of null, "/);
});
