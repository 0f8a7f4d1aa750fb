/** How a recipe wires the snapshots of a training, so that the report can draw them between the models at both ends. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {recipe} from '../../../pipeline/recipe.js';
import type {Recipe} from '../../../pipeline/recipe.js';
import type {StageNode} from '../../../pipeline/wiring/nodes.js';
import {refsOf} from '../../../pipeline/wiring/nodes.js';
import {wire} from '../../../pipeline/wiring/wire.js';
import type {FollowedTraining} from '../../../stages/evaluation/report/followed.js';
import {evaluate, grpo, prompts} from '../../../stages/index.js';
import {followTraining} from '../../../stages/recipes/follow-training.js';
import tinyControls from '../../../stages/recipes/tiny-controls.js';
import tiny from '../../../stages/recipes/tiny.js';

/** A node of a wired recipe. */
function nodesOf(of: Recipe): (id: string) => StageNode {
  const wiring = wire(of, '.');
  assert.ok(wiring.ok);
  return (id) => {
    const node = wiring.value.nodes.get(id);
    assert.ok(node?.type === 'stage', id);
    return node;
  };
}

test('tiny has each snapshot of R1-Zero evaluated as the models at both ends are', () => {
  const node = nodesOf(tiny);
  const [followed] = node('report').params['followed'] as unknown as readonly FollowedTraining[];
  assert.deepEqual([followed!.node, followed!.base, followed!.beside], ['zero-rl', 'base', ['all-scenario-rl']]);
  const kept = node('zero-rl').params['snapshots'] as readonly number[];
  assert.deepEqual(Object.keys(followed!.snapshots), kept.map(String));
  assert.ok(kept.length + 2 <= 6 && kept.every((step) => step < Number(node('zero-rl').params['steps'])));
  const wired = refsOf(node('report'));
  for (const [step, name] of Object.entries(followed!.snapshots)) {
    assert.deepEqual([name, node(name).params['step']], [`zero-rl-step-${step}`, Number(step)]);
    const scores = wired.find((one) => one.port === 'scores' && one.name === name);
    assert.equal(scores?.ref.node, `evaluate-${name}`);
    // The same number of responses, the same template, the same problems.
    for (const end of ['evaluate-base', 'evaluate-zero-rl']) {
      assert.deepEqual(node(`evaluate-${name}`).params, node(end).params);
      assert.deepEqual(node(`evaluate-${name}`).inputs['prompts'], node(end).inputs['prompts']);
    }
    assert.deepEqual(node(`evaluate-${name}`).inputs['general'], undefined, 'general prompts are no part of a curve');
  }
});

test('the report with controls draws the same curve', () => {
  const node = nodesOf(tinyControls);
  assert.deepEqual(node('report-controls').params['followed'], node('report').params['followed']);
});

test('a recipe of one’s own follows a training of its own', () => {
  const own = recipe('own', (add) => {
    const asked = add('asked', prompts, {});
    const policy = add.source('policy', 'model', './policy');
    const steps = [3, 9];
    const rl = add('rl', grpo, {policy, prompts: asked.train}, {steps: 12, snapshots: steps});
    const followed = followTraining(
      add,
      {node: 'rl', base: 'policy', snapshots: rl.snapshots, steps},
      (name, model) => {
        const {scores} = add(`scores-of-${name}`, evaluate, {model, prompts: asked.heldOut});
        return scores;
      },
    );
    assert.deepEqual(followed.followed, {
      ...{node: 'rl', base: 'policy', beside: []},
      snapshots: {'3': 'rl-step-3', '9': 'rl-step-9'},
    });
    assert.deepEqual(Object.keys(followed.scores), ['rl-step-3', 'rl-step-9']);
    return followed.scores;
  });
  const node = nodesOf(own);
  assert.deepEqual(refsOf(node('rl-step-9'))[0]?.ref.node, 'rl');
  assert.deepEqual(
    refsOf(node('scores-of-rl-step-9'))
      .map(({ref}) => ref.node)
      .sort(),
    ['asked', 'rl-step-9'],
  );
});
