/** The shape in `nodes.json` of the folder where r1 is typed, as a recipe that was compiled with the package. */
import {readFileSync} from 'node:fs';
import {recipe} from '../../../pipeline/recipe.js';
import type {Ref} from '../../../pipeline/recipe.js';
import {many} from '../../../pipeline/stage.js';
import {command} from '../../../stages/command.js';
import type {ShapeNode} from '../shapes.js';

export const step = command({
  module: import.meta.url,
  name: 'step',
  inputs: {from: many('text')},
  outputs: {out: 'text'},
  params: {script: ''},
  argv: ({outputs, params}) => ['/bin/sh', '-c', params.script.replaceAll('$OUT', outputs.out)],
});

export default recipe('bench', (add) => {
  const made: Record<string, Ref<'text'>> = {};
  for (const {id, needs, script} of JSON.parse(readFileSync('nodes.json', 'utf8')) as ShapeNode[]) {
    const from = Object.fromEntries(needs.map((need) => [need, made[need]!]));
    made[id] = add(id, step, {from}, {script}).out;
  }
});
