/** What numbers the stages refuse before anything runs: each stage that has a param looks at it, in the same words. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {AnyStage, Params} from '../../pipeline/stage.js';
import * as stages from '../../stages/index.js';

const isStage = (value: unknown): value is AnyStage => typeof value === 'object' && value !== null && 'run' in value;
const all = Object.values<unknown>(stages).filter(isStage);

function mistakes(stage: AnyStage, params: Params): readonly string[] {
  const check = stage.check as ((wired: object) => readonly string[]) | undefined;
  return (
    check?.({
      params: {...stage.params, ...params},
      inputs: Object.keys(stage.inputs),
      origins: [],
      definitions: {tasks: [], rewards: []},
    }) ?? []
  );
}

/** The stages of each param, one that a new stage has is found by itself. */
const REFUSED: Readonly<Record<string, {readonly values: readonly number[]; readonly should: RegExp}>> = {
  temperature: {values: [-1, NaN, Infinity], should: /^(0, which takes the likeliest token, or above|above 0)$/},
  gateTemperature: {values: [-1, NaN, Infinity], should: /^0, which takes the likeliest token, or above$/},
  topP: {values: [0, 7, -1, NaN], should: /^above 0 and at most 1$/},
  gateTopP: {values: [0, 7, NaN], should: /^above 0 and at most 1$/},
  maxNewTokens: {values: [-1, 1.5, NaN], should: /^a whole number, 1 or more$/},
  chunk: {values: [0, 1.5, NaN, Infinity], should: /^a whole number, 1 or more$/},
  rewardTimeout: {values: [0, -1, NaN, 2 ** 31], should: /^milliseconds, above 0 and at most 2147483647$/},
  gateSeed: {values: [1.5, NaN], should: /^a whole number$/},
  evaluationSeed: {values: [1.5, NaN], should: /^a whole number$/},
  steps: {values: [0, 1.5], should: /^a whole number, 1 or more$/},
  epochs: {values: [0, -1, NaN], should: /^above 0$/},
  batch: {values: [0, 1.5], should: /^a whole number, 1 or more$/},
  microBatch: {values: [0, 1.5], should: /^a whole number, 1 or more$/},
  learningRate: {values: [0, -1, NaN, Infinity], should: /^above 0$/},
  warmup: {values: [-1, 0.5], should: /^a whole number, 0 or more$/},
  weightDecay: {values: [-1, NaN], should: /^0 or more$/},
  beta2: {values: [1, -0.1], should: /^0 or more, and below 1$/},
  maxTokens: {values: [0, 1.5], should: /^a whole number, 1 or more$/},
  samples: {values: [-1, 1.5], should: /^a (whole number|number of responses), 1 or more$/},
  group: {values: [1, 2.5], should: /^a whole number, 2 or more: a completion learns from the others of its group$/},
  heldOut: {values: [0, 1], should: /^a share, above 0 and below 1$/},
  extraSteps: {values: [0], should: /^a whole number, 1 or more$/},
};

/** Where 0 is what the suite says, its own sentence says what a number may be. */
const OF_SUITE = ['samples', 'maxNewTokens'];
/** Its `steps` are the turns of problems, not the updates of a training. */
const OTHERS = ['corpus'];

for (const [name, {values, should}] of Object.entries(REFUSED))
  test(`every stage that has the param ${name} refuses what it cannot be`, () => {
    const having = all.filter((stage) => Object.hasOwn(stage.params, name) && !OTHERS.includes(stage.name));
    assert.ok(having.length > 0);
    for (const stage of having) {
      const before = mistakes(stage, {});
      for (const value of values) {
        const said = mistakes(stage, {[name]: value}).filter((one) => !before.includes(one));
        if (stage.name === 'bench' && OF_SUITE.includes(name))
          assert.deepEqual(said, [`${name} is a whole number, 0 for what the suite says`]);
        else {
          assert.equal(said.length, 1, `${stage.name}: ${name} = ${value}: ${said.join('; ')}`);
          const [, shown, wanted] = /^\S+ is (\S+) and should be (.*)$/.exec(said[0]!) ?? [];
          assert.equal(shown, String(value), said[0]);
          assert.match(wanted!, should);
        }
      }
    }
  });

test('defaults are right, and so are what is least and what is most', () => {
  for (const stage of all)
    assert.deepEqual(
      mistakes(stage, {}).filter((one) => / is \S+ and should be /.test(one) && !one.includes('“”')),
      [],
      stage.name,
    );
  const {gate, grpo, sft} = stages;
  assert.deepEqual(mistakes(gate, {temperature: 0, topP: 1, maxNewTokens: 1, chunk: 1, gateSeed: -1}), []);
  assert.deepEqual(mistakes(sft, {epochs: 0.5, batch: 1, microBatch: 1, warmup: 0, beta2: 0}), []);
  assert.equal(mistakes(grpo, {temperature: 0})[0], 'temperature is 0 and should be above 0');
  // A recipe may say null, which compares as 0.
  assert.deepEqual(mistakes(sft, {beta2: null}), ['beta2 is null and should be 0 or more, and below 1']);
});
