/** What a benchmark needs before it starts: as the model that answers draws, from the suite and the files that are there by then. */
import assert from 'node:assert/strict';
import {truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test, type TestContext} from 'node:test';
import {bench} from '../../../stages/bench.js';
import {memoryOf, processMemory} from '../../../stages/memory/parts.js';
import {samplerNeed} from '../../../stages/memory/sampling.js';
import {readConfig} from '../../../stages/model/hf-folder/index.js';
import {writeSpeaker} from '../../rig/speaker.js';
import {temporaryFolder} from '../../rig/temporary.js';

type Inputs = Parameters<NonNullable<typeof bench.memory>>[0]['inputs'];

const SUITE = {
  name: 'sums',
  title: 'Sums',
  data: {from: 'sums.jsonl: id, sum, total', question: 'sum', answer: 'total', others: {shots: 'shots.jsonl'}},
  ask: {prompt: '{{shots}} {{question}}', template: 'none', samples: 16, maxNewTokens: 64},
  grade: {task: 'integer'},
  measure: {metrics: ['accuracy']},
};
const rows = (words: number, count = 6): string =>
  Array.from({length: count}, (_, place) => JSON.stringify({sum: `${'key-1 '.repeat(words)}${place}`, total: 2})).join(
    '\n',
  );

/** A benchmark in a folder, and MiB of the stage on it. */
async function benchmark(t: TestContext, {ask, data = {}}: {ask?: object; data?: object} = {}) {
  const folder = temporaryFolder(t, {
    'suite.json': JSON.stringify({...SUITE, data: {...SUITE.data, ...data}, ask: {...SUITE.ask, ...ask}}),
    'sums.jsonl': rows(3),
    'shots.jsonl': rows(20),
  });
  await writeSpeaker(join(folder, 'model'), [{key: 'key-1', replies: ['2']}]);
  const need = async (params: object = {}, others: Partial<Inputs> = {}) =>
    bench.memory!({
      inputs: {
        ...{model: join(folder, 'model'), suite: join(folder, 'suite.json'), data: join(folder, 'sums.jsonl')},
        ...{shots: undefined, baseline: undefined, standings: undefined, ratings: undefined},
        ...{difficulties: undefined, rubric: undefined},
        ...others,
      },
      params: {...bench.params, ...params},
      ...{threads: 1, cores: 1},
    });
  return {folder, need};
}

test('a benchmark needs what the sampler of its chunk does, by suite and params', async (t) => {
  const {folder, need} = await benchmark(t);
  const config = await readConfig(join(folder, 'model'));
  const expected = (prompts: number, group: number, maxNewTokens: number): number => {
    const sampling = {prompts, group, promptLengths: [8], maxNewTokens};
    const {values, parts} = samplerNeed({config, sampling, groups: 6, threads: 1, cores: 1});
    return memoryOf(parts(values));
  };
  const near = async (needed: ReturnType<typeof need>, wanted: number): Promise<void> => {
    const {mib} = await needed;
    // A model so small is not worth a tokenizer: its prompts count as long as their bytes.
    assert.ok(mib >= wanted && mib < 1.15 * wanted, `${mib}, not ${wanted}`);
  };
  await near(need(), expected(4, 16, 64));
  await near(need({samples: 64}), expected(1, 64, 64));
  // Only six problems are there, and of three a chunk has no more.
  await near(need({samples: 1}), expected(6, 1, 64));
  await near(need({samples: 1, limit: 3}), expected(3, 1, 64));
  await near(need({maxNewTokens: 400}), expected(4, 16, 400));
  assert.ok((await need({maxNewTokens: 400})).mib > (await need()).mib);
});

test('a model at an endpoint leaves the process alone', async (t) => {
  const {need} = await benchmark(t);
  assert.equal((await need({endpoint: 'm'}, {model: undefined})).mib, processMemory().mib);
});

test('what would fit is said in params that a benchmark has', async (t) => {
  const {need} = await benchmark(t);
  const said = (await need({samples: 64, maxNewTokens: 32_768})).explain!(processMemory().mib + 1);
  assert.match(said, /64 samples at a time, of \d+ tokens/);
  assert.match(said, /“maxNewTokens”/);
  assert.doesNotMatch(said, /“chunk”/);
});

test('solved examples count with the question; files that are large are not read, and their prompts fill the model', async (t) => {
  const plain = await benchmark(t);
  const shown = await benchmark(t, {ask: {shots: 6}});
  const shots = join(shown.folder, 'shots.jsonl');
  assert.ok((await shown.need({}, {shots})).mib > (await plain.need()).mib);
  await assert.rejects(shown.need(), /wants a file of shots/);
  // Would be refused if it were read.
  const large = join(plain.folder, 'large.jsonl');
  writeFileSync(large, '{"question": "?"}');
  await assert.rejects(plain.need({}, {data: large}), /has no field “sum”/);
  truncateSync(large, 2 ** 26 + 1);
  const long = join(plain.folder, 'long.jsonl');
  writeFileSync(long, rows(400, 4));
  const [unread, read] = [await plain.need({}, {data: large}), await plain.need({}, {data: long})];
  assert.ok(unread.mib >= read.mib, `${unread.mib}, not ${read.mib}`);
  assert.ok(read.mib > (await plain.need()).mib);
});

test('tests that a sandbox has to unpack are left alone', async (t) => {
  const {folder, need} = await benchmark(t);
  const data = join(folder, 'packed.jsonl');
  writeFileSync(data, JSON.stringify({question_content: 'Sum?', private_test_cases: 'eJxr'}));
  const {mib} = await need({suite: 'live-code-bench'}, {data, suite: undefined});
  assert.ok(mib > processMemory().mib);
});
