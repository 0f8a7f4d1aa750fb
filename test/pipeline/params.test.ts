import assert from 'node:assert/strict';
import {test} from 'node:test';
import {paramMistake} from '../../pipeline/params.js';
import {defineStage, param} from '../../pipeline/stage.js';

const stage = defineStage({
  module: import.meta.url,
  name: 'fine-tune',
  inputs: {},
  outputs: {},
  params: {steps: 400, ratio: param<'token' | 'sequence'>('token')},
  choices: {ratio: ['token', 'sequence']},
  run: async () => undefined,
});
const mistake = (name: string, value: unknown): string | undefined => paramMistake(stage, name, value, 'command line');

test('a param of the default’s type is taken', () => {
  assert.equal(mistake('steps', 3), undefined);
  assert.equal(mistake('ratio', 'sequence'), undefined);
});

test('an unknown param names the nearest and lists the rest', () => {
  assert.match(mistake('stepz', 3)!, /has no param “stepz”; did you mean “steps”\? it has steps, ratio/);
});

test('another type is refused with the default', () => {
  assert.match(mistake('steps', 'many')!, /“steps” is a number \(default 400\), not "many"/);
});

test('a word that is none of the choices is refused with the choices', () => {
  assert.equal(mistake('ratio', 'word'), 'param “ratio” is one of "token", "sequence", not "word"');
});
