/** What comes from a stage is checked at the edge: mistakes are told with their place, and nothing of theirs stays open. */
import assert from 'node:assert/strict';
import {statSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import type {Attempt, Store} from '../../artifacts/index.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

function reading<T>(cwd: string, read: (store: Store) => T): T {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    return read(store);
  } finally {
    store.close();
  }
}

const newest = (cwd: string, node: string): Attempt =>
  reading(cwd, (store) => store.attemptsOf(store.latestRun()!.id, node).at(-1)!);

/** A stage whose `run` is `body`, each in line 10. */
const stageOf = (body: string): string => `import {mkdirSync, writeFileSync, appendFileSync} from 'node:fs';
import {join, dirname} from 'node:path';
import {defineStage, recipe} from 'r1';
export const work = defineStage({
  module: import.meta.url, name: 'work', inputs: {}, outputs: {out: 'text'}, params: {version: 1},
  async run({outputs, metric, progress, note, checkpoints}) {
    const job = dirname(dirname(outputs.out));
    mkdirSync(outputs.out);
    writeFileSync(join(outputs.out, 'text'), 'x');
    ${body}
  },
});
`;

/** The nodes of one recipe, each with a stage of its own: name → `run`. */
const recipeOf = (bodies: Readonly<Record<string, string>>): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(bodies).map(([name, body]) => [`${name}.mjs`, stageOf(body)])),
  'all.mjs': `import {recipe} from 'r1';
${Object.keys(bodies)
  .map((name) => `import {work as ${name}} from './${name}.mjs';`)
  .join('\n')}
export default recipe('all', (add) => { ${Object.keys(bodies)
    .map((name) => `add('${name}', ${name}, {}, {version: '${name}'.length});`)
    .join(' ')} });
`,
});

/** `run` → what is said of it. */
const REPORTS: Readonly<Record<string, readonly [string, RegExp]>> = {
  half: [`metric('loss', 0.5, 1);`, /the step is 0\.5, not a whole number/],
  noValue: [`metric('loss', 1);`, /the value is undefined, not a number/],
  nanStep: [`metric('loss', NaN, 1);`, /the step is NaN/],
  negative: [`metric('loss', -1, 1);`, /the step is -1/],
  huge: [`metric('loss', 1e308, 1);`, /the step is 1e\+308/],
  textStep: [`metric('loss', '1', 1);`, /the step is "1"/],
  noName: [`metric('', 1, 1);`, /the name is empty/],
  control: [`metric('a\\x1b[2J', 1, 1);`, /the name "a\\u001b\[2J" holds a control character/],
  longName: [`metric('n'.repeat(10 << 20), 1, 1);`, /the name "n{40}…" has 10,485,760 characters/],
  textValue: [`metric('loss', 1, '1.5');`, /the value is "1\.5"/],
  bigint: [`metric('loss', 1, 1n);`, /the value is a BigInt/],
  progress: [`progress({step: NaN, total: 3});`, /the step is NaN/],
  nothing: [`progress();`, /the step is undefined/],
  noNote: [`note(undefined);`, /the text is undefined, not a string/],
  noteObject: [`note({});`, /the text is an object/],
  checkpoint: [`await checkpoints.save(0.5, () => undefined);`, /the step is 0\.5/],
};

test('a mistake in what a stage reports is an error with the place of the call', async (t) => {
  const bodies = Object.fromEntries(Object.entries(REPORTS).map(([name, [body]]) => [name, body]));
  const cwd = temporaryFolder(t, recipeOf(bodies));
  const ended = await r1(t, ['run', './all.mjs', '--on-failure', 'continue'], {cwd});
  assert.equal(ended.code, 1);
  assert.doesNotMatch(ended.err, /error of r1/);
  for (const [name, [, wrong]] of Object.entries(REPORTS)) {
    const {outcome} = newest(cwd, name);
    assert.equal(outcome?.reason, 'stage-threw', name);
    const {message, stack} = outcome.detail as {message: string; stack: string};
    assert.match(message, wrong, name);
    assert.ok(message.length < 300, name);
    const [frame] = stack.split('\n').filter((line) => line.startsWith('    at '));
    assert.match(frame!, new RegExp(`/${name}\\.mjs:10:`), `${name}: ${stack}`);
  }
});

test('values that a diverged run reports are kept', async (t) => {
  const body = `[NaN, Infinity, -Infinity, 1e308].forEach((value, step) => metric('loss', step, value)); note('');`;
  const cwd = temporaryFolder(t, recipeOf({diverged: body}));
  const ended = await r1(t, ['run', './all.mjs'], {cwd});
  assert.equal(ended.code, 0, ended.err);
  const points = reading(cwd, (store) => store.metrics(newest(cwd, 'diverged').id));
  assert.deepEqual(
    points.map(({value}) => value),
    [NaN, Infinity, -Infinity, 1e308],
  );
});

/** What is thrown → the message that is kept. */
const THROWN: Readonly<Record<string, readonly [string, RegExp]>> = {
  nul: [`throw null;`, /^null$/],
  bare: [`throw Object.create(null);`, /^something that cannot be written as text$/],
  symbol: [`throw Symbol('s');`, /^Symbol\(s\)$/],
  getter: [`throw Object.defineProperty(new Error('m'), 'message', {get() { throw 1; }});`, /^Error: undefined$/],
  numbers: [`throw Object.assign(new Error('m'), {message: 5, name: 6, stack: 7});`, /^Error: 5$/],
  large: [`throw new Error('m'.repeat(100 << 20));`, /^Error: m+… \(104,857,607 characters in all, see the log\)$/],
};

test('whatever a stage throws, and however large it is, is recorded in a few words', async (t) => {
  const bodies = Object.fromEntries(Object.entries(THROWN).map(([name, [body]]) => [name, body]));
  const cwd = temporaryFolder(t, recipeOf(bodies));
  const ended = await r1(t, ['run', './all.mjs', '--on-failure', 'continue'], {cwd});
  assert.equal(ended.code, 1);
  assert.ok(ended.err.length < 100_000, `${ended.err.length} characters were printed`);
  for (const [name, [, wanted]] of Object.entries(THROWN)) {
    const {id, outcome} = newest(cwd, name);
    assert.equal(outcome?.reason, 'stage-threw', name);
    const {message, stack} = outcome.detail as {message: string; stack?: string};
    assert.match(message, wanted, name);
    if (name === 'large') assert.match(stack!, /large\.mjs:10/);
    const {result} = jobFiles(reading(cwd, (store) => store.jobFolder(id)));
    assert.ok(statSync(result).size < 1 << 20, name);
  }
});

test('a note of 25 MiB is shown and kept cut; all of it is in the log', async (t) => {
  const cwd = temporaryFolder(t, recipeOf({talks: `note('z'.repeat(25 << 20));`}));
  const ended = await r1(t, ['run', './all.mjs', '--json'], {cwd});
  assert.equal(ended.code, 0, ended.err);
  assert.ok(ended.out.length < 20_000, `${ended.out.length} characters were printed`);
  assert.match(ended.out, /z+… \(26,214,400 characters in all, see the log\)/);
  const files = jobFiles(reading(cwd, (store) => store.jobFolder(newest(cwd, 'talks').id)));
  assert.ok(statSync(files.events).size < 20_000);
});

test('a program’s garbled event is told with line and reason, and one of 25 MiB ends the attempt in order', async (t) => {
  const cwd = temporaryFolder(
    t,
    recipeOf({
      half: `appendFileSync(join(job, 'events.jsonl'), '{"type":"metric","at":1,"name":"loss","step":0.5,"value":1}\\n');`,
      large: `appendFileSync(join(job, 'events.jsonl'), JSON.stringify({type: 'note', at: 1, text: 'z'.repeat(25 << 20)}) + '\\n');`,
    }),
  );
  const ended = await r1(t, ['run', './all.mjs', '--on-failure', 'continue'], {cwd});
  assert.equal(ended.code, 1);
  assert.match(ended.err, /half +failed: wrote garbled events; line 1 is .*: the step is 0\.5, not a whole number/);
  assert.match(ended.err, /large +failed: wrote garbled events; line 1 is .*: it is longer than 1 MiB/);
  assert.ok(ended.err.length < 10_000);
});
