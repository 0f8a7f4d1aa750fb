/** Somebody else's trainer as two nodes of a recipe: a program in Python that reports, keeps checkpoints and has a second process. */
import {recipe} from '../../../pipeline/recipe.js';
import {optional} from '../../../pipeline/stage.js';
import {command} from '../../../stages/command.js';

/** Steps between its checkpoints. */
export const EVERY = 5;
export const STEPS = 40;

export const trainer = command({
  module: import.meta.url,
  name: 'trainer',
  inputs: {base: optional('model')},
  outputs: {model: 'model', history: 'history'},
  /** `ms`: what a step takes; `name`: what its steps are noted under. */
  params: {steps: STEPS, ms: 20, name: ''},
  checkpoints: true,
  // Python lies in the sources, as it is.
  argv: () => [
    'python3',
    '-B',
    new URL('../../../../test/rig/trainer/train.py', import.meta.url),
    new URL('../../../../stages/python/r1job/__init__.py', import.meta.url),
  ],
});

export default recipe('trainer', (add) => {
  const options = {checkpointEvery: EVERY};
  const {model} = add('first', trainer, {}, {name: 'first'}, options);
  add('second', trainer, {base: model}, {name: 'second'}, options);
});
