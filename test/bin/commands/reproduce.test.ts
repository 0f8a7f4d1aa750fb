/** `r1 reproduce`: the three verdicts, and where they are kept. */
import assert from 'node:assert/strict';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {openStore} from '../../../artifacts/index.js';
import type {AttemptId} from '../../../artifacts/index.js';
import {r1} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

const STAGE = `
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {defineStage} from 'r1';

export const make = defineStage({
  module: import.meta.url, name: 'make', inputs: {}, outputs: {text: 'text'}, params: {text: 'hello'},
  async run({outputs, params}) {
    mkdirSync(outputs.text);
    writeFileSync(join(outputs.text, 'a.txt'), params.text);
  },
});
export const draw = defineStage({
  module: import.meta.url, name: 'draw', inputs: {text: 'text'}, outputs: {text: 'text'}, params: {},
  async run({inputs, outputs}) {
    mkdirSync(outputs.text);
    const text = readFileSync(join(inputs.text, 'a.txt'), 'utf8');
    writeFileSync(join(outputs.text, 'a.txt'), text);
    writeFileSync(join(outputs.text, 'b.txt'), text + process.pid);
  },
});
`;
const RECIPE = `
import {recipe} from 'r1';
import {draw, make} from './stages.js';
export default recipe('two', (add) => {
  const {text} = add('make', make, {});
  add('draw', draw, {text});
});
`;
const FILES = {'two.ts': RECIPE, 'stages.ts': STAGE};

function verdictOf(cwd: string, attempt: number): unknown {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    const [{verdict, detail} = {verdict: 'none', detail: {}}] = store.reproductions(attempt as AttemptId);
    return {verdict, ...(detail as object)};
  } finally {
    store.close();
  }
}

test('the same bytes that cannot be executed any more differ, and are told so', async (t) => {
  const marker = join(temporaryFolder(t, {marker: ''}), 'marker');
  const cwd = temporaryFolder(t, {
    'tool.ts': `
import {existsSync, writeFileSync} from 'node:fs';
import {defineStage, recipe} from 'r1';
export const tool = defineStage({
  module: import.meta.url, name: 'tool', inputs: {}, outputs: {tool: 'tool'}, params: {marker: ''},
  async run({outputs, params}) {
    writeFileSync(outputs.tool, 'x', {mode: existsSync(params.marker) ? 0o755 : 0o644});
  },
});
export default recipe('tool', (add) => {
  add('tool', tool, {}, {marker: ${JSON.stringify(fileURLToPath(import.meta.url))}});
  add('again', tool, {}, {marker: ${JSON.stringify(marker)}});
});
`,
  });
  assert.equal((await r1(t, ['run', './tool.ts'], {cwd})).code, 0);
  rmSync(marker);
  assert.equal((await r1(t, ['reproduce', 'tool'], {cwd})).code, 0);
  const {code, out} = await r1(t, ['reproduce', 'again'], {cwd});
  assert.equal(code, 1);
  assert.match(out, /differs in output “tool”, which was executable and is not now; the bytes are the same/);
  assert.deepEqual(verdictOf(cwd, 2), {verdict: 'differs', port: 'tool', file: '', executable: false});
});

test('a stage that makes the same bytes again is reproducible, one that does not differs at a byte', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  assert.equal((await r1(t, ['run', './two.ts'], {cwd})).code, 0);
  const make = await r1(t, ['reproduce', 'make'], {cwd});
  assert.equal(make.code, 0, make.err);
  assert.match(make.out, /^make \(attempt 1\): reproducible/);
  assert.deepEqual(verdictOf(cwd, 1), {verdict: 'reproducible'});
  const both = await r1(t, ['reproduce', '1', '--json'], {cwd});
  assert.equal(both.code, 1);
  const lines = both.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map(({node, verdict, port, file}) => ({node, verdict, port, file})),
    [
      {node: 'make', verdict: 'reproducible', port: undefined, file: undefined},
      {node: 'draw', verdict: 'differs', port: 'text', file: 'b.txt'},
    ],
  );
  assert.ok((lines[1]!['offset'] as number) >= 'hello'.length);
  const show = await r1(t, ['show', 'draw:text'], {cwd});
  assert.match(show.out, /differs/);
});

test('what was made by other code cannot be made again, and the file is named', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  await r1(t, ['run', './two.ts'], {cwd});
  writeFileSync(join(cwd, 'stages.ts'), STAGE.replace('text + process.pid', 'text'));
  const ended = await r1(t, ['reproduce', 'make'], {cwd});
  assert.equal(ended.code, 1);
  assert.match(ended.out, /cannot be made again: changed since: code of stages\.ts/);
  assert.deepEqual(verdictOf(cwd, 1), {verdict: 'cannot', because: 'changed since: code of stages.ts'});
});

test('a node that is not there is named with the nearest', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  await r1(t, ['run', './two.ts'], {cwd});
  const ended = await r1(t, ['reproduce', 'maek'], {cwd});
  assert.equal(ended.code, 2);
  assert.match(ended.err, /make/);
});
