/** The `command` stage: programs that know nothing of us, run as nodes. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {isRunning, descendantsOf} from '../../pipeline/executors/process-table.js';
import {readProcess} from '../../pipeline/executors/process-record.js';
import {r1, start, until} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const RECIPE = `
import {recipe} from 'r1';
import {command} from 'r1/stages';

export const write = command({
  module: import.meta.url, name: 'write', inputs: {}, outputs: {text: 'text'}, params: {text: 'hello', code: 0},
  argv: ({outputs, params, seed}) =>
    ['/bin/sh', new URL('./write.sh', import.meta.url), outputs.text, params.text, seed, params.code],
});
export const upper = command({
  module: import.meta.url, name: 'upper', inputs: {text: 'text'}, outputs: {text: 'text'}, params: {wait: 0},
  argv: ({inputs, outputs, params}) => ['/bin/sh', '-c', 'sleep "$3"; tr a-z A-Z < "$1" > "$2"', 'sh', inputs.text, outputs.text, params.wait],
});

export default recipe('programs', (add) => {
  const {text} = add('write', write, {});
  add('upper', upper, {text});
});
`;
const WRITE = `echo "$2 $3" > "$1"
echo "wrote in $PWD"
printf '{"type":"metric","at":1,"name":"size","step":1,"value":7}\\n' >> "$R1_JOB/events.jsonl"
exit "$4"
`;
const FILES = {'programs.ts': RECIPE, 'write.sh': WRITE};

function reading<T>(cwd: string, read: (store: Store) => T): T {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    return read(store);
  } finally {
    store.close();
  }
}

test('params become arguments, the exit code the outcome, lines of events metrics', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  const ended = await r1(t, ['run', './programs.ts', '--seed', '3'], {cwd});
  assert.equal(ended.code, 0, ended.err);
  const {attempt, metrics} = reading(cwd, (store) => {
    const [upper] = store.attemptsOf(store.latestRun()!.id, 'upper');
    const [write] = store.attemptsOf(store.latestRun()!.id, 'write');
    return {attempt: upper!, metrics: store.metrics(write!.id)};
  });
  const blobs = readdirSync(join(cwd, '.r1', 'blobs'), {recursive: true, encoding: 'utf8'}).map((name) =>
    join(cwd, '.r1', 'blobs', name),
  );
  assert.ok(blobs.some((file) => existsSync(file) && !file.endsWith('sha256') && readOrNothing(file) === 'HELLO 3\n'));
  assert.deepEqual(metrics, [{name: 'size', step: 1, value: 7}]);
  assert.equal(attempt.outcome?.ok, true);
  const {userMs, systemMs} = attempt.outcome.cost!;
  assert.ok(userMs! >= 0 && systemMs! >= 0, 'what a program takes is told at its end, however short it was');
  assert.match(readFileSync(join(cwd, '.r1', 'jobs', '1', 'output.log'), 'utf8'), /^wrote in .*\/jobs\/1\/scratch$/m);
});

test('all that is printed reaches a reader who takes his time', async (t) => {
  const cwd = temporaryFolder(t, {...FILES, 'write.sh': `head -c 1000000 /dev/zero | tr '\\0' x\n${WRITE}`});
  assert.equal((await r1(t, ['run', './programs.ts', '--until', 'write'], {cwd})).code, 0);
  const inside = ['/bin/sh', '-c', '"$@" | (sleep 1; wc -c)', 'sh'];
  const {out} = await r1(t, ['log', 'write'], {cwd, inside});
  assert.ok(Number(out) > 1_000_000, out);
});

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return '';
    throw error;
  }
}

test('another exit code is a failure with that code', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  const ended = await r1(t, ['run', './programs.ts', '--set', 'write.code=3'], {cwd});
  assert.equal(ended.code, 1);
  assert.match(ended.err, /write\s+failed: exited with 3/);
});

test('the bytes of a script that the command names count', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  await r1(t, ['run', './programs.ts'], {cwd});
  writeFileSync(join(cwd, 'write.sh'), `# only a comment, but in a language that we cannot read\n${WRITE}`);
  const plan = await r1(t, ['plan', './programs.ts'], {cwd});
  assert.match(plan.out, /write\s+run\s+code of write\.sh/);
});

test('a program that outlives its runner is adopted, and its exit code is not lost', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  const runner = start(t, ['run', './programs.ts', '--set', 'upper.wait=1'], {cwd});
  const folder = join(cwd, '.r1', 'jobs', '2');
  const record = await until('the program runs', () => readProcess(folder));
  runner.child.kill('SIGKILL');
  await runner.ended;
  assert.ok(isRunning(record));
  const next = await r1(t, ['run', './programs.ts', '--set', 'upper.wait=1'], {cwd});
  assert.equal(next.code, 0, next.err);
  assert.match(next.err, /upper\s+continues/);
  assert.equal(
    reading(
      cwd,
      (store) => store.attemptsOf(1 as never, 'upper').length + store.attemptsOf(2 as never, 'upper').length,
    ),
    1,
  );
});

test('Ctrl-C ends the program and nothing of it is left', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  // What is left to the end of the grace period is never over.
  const runner = start(t, ['run', './programs.ts', '--set', 'upper.wait=36000', '--grace', '36000'], {cwd});
  const folder = join(cwd, '.r1', 'jobs', '2');
  await until('the program runs', () => readProcess(folder));
  runner.child.kill('SIGINT');
  const ended = await runner.ended;
  assert.equal(ended.code, 130);
  assert.match(ended.err, /upper\s+was stopped/);
  const {tag} = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')) as {tag: string};
  assert.deepEqual(descendantsOf({tag}), []);
});

/** Its shell has heard of it when it ends. */
const KILL = 'kill 0\nuntil test -e "$R1_JOB/stop.json"; do sleep 0.05; done\n';

test('a program that ends its own process group was stopped, is told how to say that it is done, and is done if it says so', async (t) => {
  const cwd = temporaryFolder(t, {...FILES, 'write.sh': `trap '' TERM\necho hello > "$1"\n${KILL}`});
  const words = ['run', './programs.ts', '--until', 'write'];
  const stopped = await r1(t, words, {cwd});
  assert.notEqual(stopped.code, 0);
  assert.match(
    stopped.err,
    /write +was stopped, without a checkpoint \(SIGTERM from outside of r1 or from the program itself\)/,
  );
  const line = /r1 resume 1 runs it again; .*`kill 0`.* by the line (\{.*\}) in \$R1_JOB\/events\.jsonl/.exec(
    stopped.err,
  );
  assert.ok(line !== null, stopped.err);
  const declared = `echo '${line[1]}' >> "$R1_JOB/events.jsonl"`;
  writeFileSync(join(cwd, 'write.sh'), `trap '' TERM\necho hello > "$1"\n${declared}\n${KILL}`);
  const done = await r1(t, words, {cwd});
  assert.equal(done.code, 0, done.err);
});

test('a mistake is told with its place in the recipe', async (t) => {
  const wrong = RECIPE.replace('{text});', "{text}, {wait: 'long'});");
  const line = wrong.split('\n').findIndex((text) => text.includes("'long'")) + 1;
  const cwd = temporaryFolder(t, {...FILES, 'programs.ts': wrong});
  const {code, err} = await r1(t, ['plan', './programs.ts'], {cwd});
  assert.equal(code, 2, err);
  assert.ok(err.startsWith(`${join(cwd, 'programs.ts')}:${line}:3: node “upper”: param “wait” is a number`), err);
});

/** `argv` → what is said of the node. */
const ARGV: Readonly<Record<string, readonly [string, RegExp]>> = {
  throws: [
    `{ throw new Error('a mistake in my argv'); }`,
    /its argv threw Error: a mistake in my argv \(\/\S+\/argv\.ts:\d+:\d+\)/,
  ],
  throwsText: [`{ throw 'text'; }`, /its argv threw text/],
  none: [`undefined`, /its argv returned undefined, not a list of words/],
  empty: [`[]`, /its argv returned no words/],
  text: [`'echo hello'`, /its argv returned "echo hello", not a list/],
  hole: [`['echo', , 'a']`, /its argv returned undefined as word 1/],
  object: [`['echo', {}]`, /its argv returned an object as word 1/],
  url: [`[new URL('https://example.org/a')]`, /returned https:\/\/example\.org\/a as the program/],
  nul: [`['echo', 'a\\0b']`, /its argv returned "a\\u0000b" as word 1, which holds a NUL character/],
  nulProgram: [`['ec\\0ho']`, /as the program, which holds a NUL/],
  long: [`['echo', 'x'.repeat(200000)]`, /as word 1, which has 200,001 bytes; the system takes 131,072/],
};

test('a mistake in `argv` is the recipe’s, with the node and its place, and nothing is started', async (t) => {
  const cwd = temporaryFolder(t, {
    'argv.ts': `
      import {recipe} from 'r1';
      import {command} from 'r1/stages';
      const base = {module: import.meta.url, inputs: {}, outputs: {out: 'text'}, params: {}};
      ${Object.entries(ARGV)
        .map(
          ([name, [body]]) => `export const ${name} = command({...base, name: '${name}', argv: (): any => ${body}});`,
        )
        .join('\n')}
      export default recipe('argv', (add) => {
        ${Object.keys(ARGV)
          .map((name) => `add('${name}', ${name}, {});`)
          .join(' ')}
      });`,
  });
  const ended = await r1(t, ['run', './argv.ts', '--on-failure', 'continue'], {cwd});
  assert.equal(ended.code, 1, ended.err);
  assert.doesNotMatch(ended.err, /error of r1/);
  for (const [name, [, said]] of Object.entries(ARGV)) {
    const line = ended.err.split('\n').find((text) => text.startsWith(name.padEnd(10)) && text.includes('failed'));
    assert.match(line ?? ended.err, said, name);
    const [attempt] = reading(cwd, (store) => store.attemptsOf(store.latestRun()!.id, name));
    assert.equal(attempt?.outcome?.reason, 'start-failed', name);
  }
});
