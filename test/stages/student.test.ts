/** A student goes without as many layers as it can and still solve problems, and one that was interrupted ends as it would have. */
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {newestCheckpoint} from '../../pipeline/job/checkpoints.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import type {Params} from '../../pipeline/stage.js';
import {student} from '../../stages/index.js';
import {parseConfig} from '../../stages/model/config.js';
import {openModel, saveModel} from '../../stages/model/hf-folder/index.js';
import {parameterShapes} from '../../stages/model/parameters.js';
import {readRows, writeRows} from '../../stages/data/rows.js';
import {historyRow} from '../../stages/data/schemas.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeSpeaker} from '../rig/speaker.js';
import {mistakesOf} from '../rig/wired.js';
import {continueFrom, make, outputPath, outputsOf, runStage, stepsOf, writeJob} from './stagejob.js';

const root = mkdtempSync(join(tmpdir(), 'r1-student-'));
const at = (name: string): string => join(root, name);
after(() => rmSync(root, {recursive: true, force: true}));

/** Each a word, and so a token. */
const REPLIES = ['18', '18.'];
const LAYERS = 4;
/** The layers that know what to say to a question, one each; the others do nothing. */
const SPEAKING = [1, 3];
const question = (index: number): string => `How many? key-${index}`;

/** A speaker of four layers: to each question another of them knows the reply, and without it the model says nothing. */
async function writeLayered(folder: string): Promise<void> {
  const lines = REPLIES.map((reply, index) => ({key: `key-${index}`, replies: [reply]}));
  await writeSpeaker(at('speaker'), lines);
  const {config, weights} = await openModel(at('speaker'));
  const tokenizer = await openTokenizer(at('speaker'));
  const layered = parseConfig({...config.raw, num_hidden_layers: LAYERS}, 'the config');
  const size = config.hiddenSize;
  const all = new Map(
    [...parameterShapes(layered)].map(([name, shape]) => {
      const from = name.replace(/^model\.layers\.\d+\./, 'model.layers.0.');
      const values = weights.get(from);
      assert.ok(values !== undefined && values.length === shape.reduce((a, b) => a * b, 1), name);
      return [name, Float32Array.from(values)] as const;
    }),
  );
  const head = all.get('lm_head.weight')!;
  for (const [index, layer] of SPEAKING.entries()) {
    const key = tokenizer.encode(`key-${index}`)[0]!;
    // What follows the key moves from its own number of the residual stream to one that only this layer writes.
    const idle = [0, 2][index]!;
    const tensor = (name: string): Float32Array => all.get(`model.layers.${layer}.mlp.${name}.weight`)!;
    tensor('gate_proj')[key] = 1;
    tensor('up_proj')[key] = 1;
    tensor('down_proj')[idle * 2] = 1;
    for (let next = 0; next < size; next++) {
      head[next * size + idle] = head[next * size + key]!;
      head[next * size + key] = 0;
    }
    head[tokenizer.eosId * size + key] = 5;
  }
  await saveModel(folder, {config: layered, weights: all, tokenizerFrom: at('speaker')});
}

before(async () => {
  await writeLayered(at('base'));
  const origin = (id: number) => ({id: `${id}`, from: []});
  await writeRows(
    at('data'),
    REPLIES.map((response, index) => ({...origin(index), question: question(index), response})),
  );
  await writeRows(
    at('prompts'),
    REPLIES.map((_, index) => ({
      ...{id: `p${index}`, from: [], task: 'integer', key: `k${index}`},
      ...{question: question(index), answer: '18'},
    })),
  );
});

const job = (params: Params) => ({
  stage: student,
  exported: 'student',
  inputs: {base: at('base'), data: {rows: at('data')}, prompts: at('prompts')},
  params: {
    ...{layers: 3, fewer: 1, epochs: 4, batch: 2, microBatch: 2, learningRate: 1e-4},
    ...{extraction: 'last-number', samples: 2, temperature: 0.1, maxNewTokens: 4},
    ...params,
  },
});

const eventsOf = (name: string): string => readFileSync(jobFiles(at(name)).events, 'utf8');

test('where it solves too little, fewer layers are left out', async () => {
  await make(at('whole'), job({least: 0.9}));
  const events = eventsOf('whole');
  assert.match(events, /"without 3 of 4 layers, pass@2 on 2 problems is 0\.500, pass@1 0\.500"/);
  assert.match(events, /"without 2 of 4 layers, pass@2 on 2 problems is 1\.000, pass@1 1\.000"/);
  const gone = (await readRows(outputPath(at('whole'), 'layers'), historyRow)).map(({layer}) => Number(layer));
  assert.deepEqual(gone.sort(), [0, 2], 'those that do nothing');
  const {config} = await openModel(outputPath(at('whole'), 'model'));
  assert.equal(config.layers, LAYERS - 2);
  const history = await readRows(outputPath(at('whole'), 'history'), historyRow);
  assert.deepEqual(
    history.map(({step}) => step),
    [1, 2, 3, 4],
    'of the student that passed',
  );
  const losses = [...events.matchAll(/"name":"loss","step":(\d+)/g)].map(([, step]) => Number(step));
  assert.deepEqual(
    losses,
    [10, 11, 12, 13, 16, 17, 18, 19],
    'the second student’s curve does not replace the first one’s',
  );
  const steps = stepsOf(at('whole'));
  assert.deepEqual(
    steps,
    steps.toSorted((a, b) => a - b),
    'what is told never goes back',
  );
});

test('as many are left out as were asked for where that is enough', async () => {
  await make(at('enough'), job({least: 0.5}));
  assert.equal((await readRows(outputPath(at('enough'), 'layers'), historyRow)).length, 3);
  assert.equal((await openModel(outputPath(at('enough'), 'model'))).config.layers, 1);
});

test('interrupted in any part and resumed, it ends with the same bytes', async () => {
  const wanted = outputsOf(at('whole'));
  // Nine tries of layers, four steps, two problems, and four steps of the next student.
  const kills = [
    {moment: 'computing', step: 4, kept: undefined},
    {moment: 'written', step: 9, kept: 9},
    {moment: 'written', step: 11, kept: 11},
    {moment: 'computing', step: 15, kept: 12},
    {moment: 'written', step: 17, kept: 17},
  ] as const;
  for (const {kept, ...kill} of kills) {
    const [first, second] = [at(`killed-${kill.step}`), at(`resumed-${kill.step}`)];
    writeJob(first, {...job({least: 0.9}), checkpointEvery: 1});
    const {signal} = await runStage(first, {signal: 'SIGKILL', ...kill});
    assert.equal(signal, 'SIGKILL');
    writeJob(second, {...job({least: 0.9}), checkpointEvery: 1});
    assert.equal(continueFrom(first, second), kept);
    const {result, stderr} = await runStage(second);
    assert.equal(result?.end, 'succeeded', stderr);
    assert.deepEqual(outputsOf(second), wanted, `killed at step ${kill.step}`);
  }
});

test('a checkpoint of another format is refused', async () => {
  const [first, second] = [at('older'), at('newer')];
  writeJob(first, {...job({least: 0.9}), checkpointEvery: 1});
  await runStage(first, {signal: 'SIGKILL', moment: 'written', step: 9});
  writeJob(second, {...job({least: 0.9}), checkpointEvery: 1});
  continueFrom(first, second);
  const {folder} = newestCheckpoint(jobFiles(second).checkpoints)!;
  const [file, manifest] = [join(folder, 'files/student.json'), join(folder, 'manifest.json')];
  const digest = (): string => createHash('sha256').update(readFileSync(file)).digest('hex');
  const before = digest();
  writeFileSync(file, readFileSync(file, 'utf8').replace('"format":1', '"format":0'));
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(before, digest()));
  const {result} = await runStage(second);
  assert.match(JSON.stringify(result), /state of format 0, and this version of r1 resumes from format 1 only/);
});

test('one that solves too little with all but its layers is refused, with every try', async () => {
  await writeRows(at('hopeless'), [
    {id: 'p', from: [], task: 'integer', key: 'k', question: 'How many? key-0', answer: '19'},
  ]);
  writeJob(at('refused'), {...job({}), inputs: {...job({}).inputs, prompts: at('hopeless')}});
  const {result, stderr} = await runStage(at('refused'));
  assert.ok(result?.end === 'failed', stderr);
  assert.match(
    result.message,
    /^without 3 of 4 layers, pass@2 on 1 problems is 0\.000, pass@1 0\.000; without 2 .*; without 1 .*: below 0\.3, reinforcement/,
  );
});

test('prompts without an answer that can be checked are refused before a layer goes', async () => {
  const open = {id: 'open', from: [], task: 'integer', key: 'open', question: question(0)};
  await writeRows(at('unanswered'), [open]);
  const {inputs, ...rest} = job({});
  writeJob(at('asks-nothing'), {...rest, inputs: {...inputs, prompts: at('unanswered')}});
  const {result, stderr} = await runStage(at('asks-nothing'));
  assert.ok(result?.end === 'failed', stderr);
  assert.equal(result.message, 'none of the prompts has an answer that can be checked');
  assert.doesNotMatch(eventsOf('asks-nothing'), /"type":"progress"/, 'nothing was tried');
});

test('params that make no student are told before anything runs', () => {
  const mistakes = (params: Params): readonly string[] => mistakesOf(student, params);
  assert.deepEqual(mistakes({}), []);
  for (const name of ['layers', 'fewer', 'lossRows'])
    assert.deepEqual(mistakes({[name]: 0}), [`${name} is 0 and should be a whole number, 1 or more`]);
  assert.match(mistakes({least: 0}).join(), /^least is 0/);
  assert.match(mistakes({prompts: -1}).join(), /^prompts is -1/);
  assert.match(mistakes({samples: 0}).join(), /^samples is 0/);
});
