/**
 * Chat templates of the families that people have, rendered as transformers does. The fixture has templates of ours in the
 * style of each; with Python at hand, any folder of templates can be compared, over more conversations:
 *
 *     pip install transformers jinja2
 *     R1_TEST_PYTHON=python3 R1_TEST_TEMPLATES=FOLDER npm test -- text/chat-templates
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {compileTemplate} from '../../../stages/text/jinja.js';
import type {Render} from '../../../stages/text/jinja.js';

interface Rendered {
  readonly special: Readonly<Record<string, string>>;
  readonly conversations: Readonly<Record<string, readonly object[]>>;
  readonly rows: readonly {
    readonly template: string;
    readonly conversation: string;
    readonly options: object;
    readonly text?: string;
    readonly refused?: string;
  }[];
}

const fixtures = join(import.meta.dirname, '../../../../test/fixtures/templates');
const script = join(import.meta.dirname, '../../../../test/scripts/chat_templates.py');
const python = process.env['R1_TEST_PYTHON'];

/** What is not known here is refused by name; what is rendered has to be the same, and what Python refuses is refused. */
function compare(folder: string, {special, conversations, rows}: Rendered): {same: number; refusedHere: string[]} {
  const templates = new Map<string, Render | StageFailure>();
  const compiled = (name: string): Render | StageFailure => {
    try {
      return compileTemplate(readFileSync(join(folder, `${name}.jinja`), 'utf8'), name);
    } catch (error) {
      if (error instanceof StageFailure) return error;
      throw error;
    }
  };
  let same = 0;
  const refusedHere: string[] = [];
  for (const {template: name, conversation, options, text, refused} of rows) {
    const template = templates.get(name) ?? compiled(name);
    templates.set(name, template);
    const variables = {tools: null, documents: null, ...special, messages: conversations[conversation], ...options};
    const where = `${name}: ${conversation} with ${JSON.stringify(options)}`;
    let made: string | undefined;
    let fault = template instanceof StageFailure ? template : undefined;
    try {
      if (!(template instanceof StageFailure)) made = template(variables);
    } catch (error) {
      assert.ok(error instanceof StageFailure, `${where}: ${String(error)}`);
      fault = error;
    }
    if (fault !== undefined) {
      if (refused === undefined) refusedHere.push(`${where}: ${fault.message}`);
      continue;
    }
    assert.equal(refused, undefined, `${where} is refused by Python, and rendered here`);
    assert.equal(made, text, where);
    same++;
  }
  return {same, refusedHere};
}

test('templates in the style of eight families are rendered as transformers does', () => {
  const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as Rendered;
  const {same, refusedHere} = compare(fixtures, expected);
  assert.deepEqual(refusedHere, []);
  assert.equal(same, expected.rows.filter(({refused}) => refused === undefined).length);
  assert.equal(new Set(expected.rows.map(({template}) => template)).size, 8);
  assert.ok(same >= 150);
});

test(
  'templates of other people are rendered as transformers does, or refused by name',
  {skip: python === undefined && 'R1_TEST_PYTHON is not set'},
  (t) => {
    const folder = process.env['R1_TEST_TEMPLATES'] ?? fixtures;
    const {status, stdout, stderr} = spawnSync(python!, [script, folder], {encoding: 'utf8', maxBuffer: 2 ** 30});
    assert.equal(status, 0, stderr);
    const rendered = JSON.parse(stdout) as Rendered;
    const {same, refusedHere} = compare(folder, rendered);
    const refused = rendered.rows.filter((row) => row.refused !== undefined).length;
    t.diagnostic(`${rendered.rows.length} rows: ${same} the same, ${refused} refused by both`);
    for (const line of refusedHere) t.diagnostic(`refused here only: ${line}`);
    assert.ok(same > rendered.rows.length / 2);
  },
);
