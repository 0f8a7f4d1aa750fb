/** Stages whose answers a judge reads, from the params to the rows: each a process of its own, the judge an endpoint on the loopback. */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {evalCommand} from '../../bin/commands/eval.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import type {JobResult} from '../../pipeline/job/folder.js';
import {writeRows} from '../../stages/data/rows.js';
import {evaluate, grpo, pretrain, rejectionSampling} from '../../stages/index.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {dialsPrompts} from '../../stages/tasks/prompt-sets.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {renderPrompt} from '../../stages/text/templates.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {spoken} from '../bin/spoken.js';
import {startJudge, type JudgeServer} from './graders/judge/server.js';
import {rowsIn} from './here.js';
import {make, outputPath, runStage, writeJob} from './stagejob.js';

const root = mkdtempSync(join(tmpdir(), 'r1-judged-'));
const at = (name: string): string => join(root, name);
const model = outputPath(at('base'), 'model');
let server: JudgeServer;

/** What the base answers, each as often as the other; the judge likes one of them better. */
const ANSWERS = ['5 4', '3 2'];
const judge = {model: 'm', rubric: 'Large digits are better.', points: 2};
const drawn = {template: 'tiny-zero', samples: 4, temperature: 1, maxNewTokens: 16, chunk: 2, judge} as const;

before(async () => {
  server = await startJudge(undefined, ({mark, block}) => `VERDICT ${mark}: ${/5/.test(block('reply')!) ? 2 : 1}`);
  process.env['R1_JUDGE_URL'] = server.url;
  await writeWordTokenizer(at('tokenizer'), vocabulary());
  const tokenizer = await openTokenizer(at('tokenizer'));
  const questions = dialsPrompts({seed: 0, split: 'train', count: 32}).map(({steps: _, ...prompt}): Prompt => ({
    ...prompt,
    task: 'judge',
    answer: '',
  }));
  await writeRows(at('questions'), questions.slice(0, 8));
  const documents = questions.map(({id, question}, index) => ({
    id,
    from: [],
    prompt: renderPrompt(tokenizer, 'tiny-zero', question),
    response: `<think> left 3 </think> <answer> ${ANSWERS[index % 2]!} </answer>`,
  }));
  await writeRows(at('documents'), documents);
  await make(at('base'), {
    stage: pretrain,
    exported: 'pretrain',
    inputs: {documents: at('documents'), tokenizer: at('tokenizer')},
    params: {
      ...{hiddenSize: 16, intermediateSize: 32, layers: 1, heads: 2, keyValueHeads: 1, initializerRange: 0.2},
      ...{learningRate: 1e-2, warmup: 2, batch: 8, microBatch: 8, steps: 120},
    },
  });
});
after(async () => {
  await server.close();
  rmSync(root, {recursive: true, force: true});
});

const inputs = {model, prompts: at('questions')};

test('evaluate: verdicts, their values and the metric', async () => {
  await make(at('evaluate'), {stage: evaluate, exported: 'evaluate', inputs, params: drawn});
  const scores = outputPath(at('evaluate'), 'scores');
  const rows = rowsIn<{outcome: string; value?: number; answer: string | null}>(scores);
  assert.equal(rows.length, 32);
  for (const {outcome, value, answer} of rows) {
    if (answer === null) continue;
    assert.equal(outcome, answer.includes('5') ? 'right' : 'partial');
    assert.equal(value, answer.includes('5') ? 1 : 0.5);
  }
  assert.ok(rows.some(({value}) => value === 1) && rows.some(({value}) => value === 0.5));
  const {scores: all} = JSON.parse(readFileSync(join(scores, 'scores.json'), 'utf8')) as {
    scores: {metric: string; mean: number}[];
  };
  const mean = (metric: string) => all.find((one) => one.metric === metric)?.mean;
  assert.ok(Math.abs(mean('judge')! - rows.reduce((sum, {value = 0}) => sum + value, 0) / rows.length) < 1e-9);
  assert.ok(mean('judge')! > mean('pass@1')!);
});

test('evaluate scores choices by log-probability beside the answers, where that is asked for', async () => {
  const prompts = at('choices');
  await writeRows(
    prompts,
    dialsPrompts({seed: 0, split: 'train', count: 4}).map(({steps: _, ...prompt}): Prompt => ({
      ...{...prompt, task: 'choice', answer: 'A', stem: prompt.question, choices: [ANSWERS[0]!, 'no', ANSWERS[1]!]},
    })),
  );
  const params = {...drawn, samples: 2, choiceScores: 'text'};
  await make(at('by-choice'), {stage: evaluate, exported: 'evaluate', inputs: {model, prompts}, params});
  const rows = rowsIn<{sample: number; choices?: {logLikelihoods: number[]}}>(outputPath(at('by-choice'), 'scores'));
  for (const {sample, choices} of rows) assert.equal(choices?.logLikelihoods.length, sample === 0 ? 3 : undefined);
  const {scores} = JSON.parse(readFileSync(join(outputPath(at('by-choice'), 'scores'), 'scores.json'), 'utf8')) as {
    scores: {metric: string; problems: number}[];
  };
  for (const metric of ['acc', 'acc_norm', 'acc_bytes'])
    assert.equal(scores.find((one) => one.metric === metric)?.problems, 4);
});

test('rejection sampling keeps what has full marks', async () => {
  const params = {...drawn, perPrompt: 4};
  const sampling = {policy: model, prompts: at('questions')};
  await make(at('sampling'), {stage: rejectionSampling, exported: 'rejectionSampling', inputs: sampling, params});
  const kept = rowsIn<{response: string}>(outputPath(at('sampling'), 'dataset'));
  assert.ok(kept.length > 0);
  for (const {response} of kept) assert.match(response, /5/);
});

const rl = {
  ...{template: 'tiny-zero', questions: 2, group: 4, minibatches: 2, maxNewTokens: 16, chunk: 2, microBatch: 8},
  ...{learningRate: 1e-3, steps: 4, patience: 1_000, checkGroups: 2, judge},
} as const;

test('GRPO is rewarded by the judge', async () => {
  const learning = {policy: model, prompts: at('questions')};
  await make(at('grpo'), {stage: grpo, exported: 'grpo', inputs: learning, params: rl});
  const rollouts = rowsIn<{verdicts: {accuracy: {outcome: string; value: number}}}>(outputPath(at('grpo'), 'rollouts'));
  const values = new Set(rollouts.map(({verdicts}) => verdicts.accuracy.value));
  assert.ok(values.has(1) || values.has(0.5), JSON.stringify([...values]));
  for (const {verdicts} of rollouts)
    assert.ok(['right', 'partial', 'wrong', 'unparsable'].includes(verdicts.accuracy.outcome));
});

test('a stage without a judge, or with one that cannot be asked, ends before it trains', async () => {
  const learning = {policy: model, prompts: at('questions')};
  writeJob(at('nobody'), {stage: grpo, exported: 'grpo', inputs: learning, params: {...rl, judge: {}}});
  const {result} = await runStage(at('nobody'));
  assert.equal(result?.end, 'failed');
  assert.match(JSON.stringify(result), /name a model in judge\.model/);
});

test('a whole stage that waits for its judge ends soon after SIGTERM', async (t) => {
  const asked: (() => void)[] = [];
  const slow = await startJudge(t, ({mark}, _, count) => {
    if (count === 1) return `VERDICT ${mark}: 2`; // the trial
    asked.forEach((tell) => tell());
    return undefined;
  });
  writeJob(at('stopped'), {
    stage: grpo,
    exported: 'grpo',
    inputs: {policy: model, prompts: at('questions')},
    params: rl,
  });
  const main = fileURLToPath(new URL('../../stages/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, at('stopped')], {
    stdio: 'ignore',
    env: {...process.env, R1_JUDGE_URL: slow.url},
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  await Promise.race([new Promise<void>((tell) => asked.push(tell)), ended]);
  const began = performance.now();
  child.kill('SIGTERM');
  await ended;
  const took = performance.now() - began;
  const result = JSON.parse(readFileSync(jobFiles(at('stopped')).result, 'utf8')) as JobResult;
  assert.equal(result.end, 'stopped');
  assert.ok(took < 1_500, `${took} ms`);
});

test('r1 eval with a judge, and options that do not go together', async () => {
  const file = at('asked.jsonl');
  const rows = dialsPrompts({seed: 0, split: 'train', count: 4}).map(({question}) => ({question, criteria: 'Own.'}));
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  writeFileSync(at('rubric.txt'), 'Large digits are better.');
  const said = (...words: string[]) =>
    spoken(evalCommand, at('none'), [
      model,
      '--prompts',
      file,
      '--template',
      'tiny-zero',
      '--max-tokens',
      '16',
      ...words,
    ]);
  const graded = [
    '--answers',
    'judge',
    '--judge',
    'm',
    '--points',
    '2',
    '--samples',
    '4',
    '--temperature',
    '1',
    '--json',
  ];
  const before = server.asked.length;
  const {out} = await said(...graded);
  const {samples} = JSON.parse(out) as {samples: {value?: number}[]};
  assert.equal(samples.length, 16);
  assert.ok(samples.some(({value = 0}) => value > 0));
  const asked = server.asked.slice(before + 1);
  assert.ok(asked.length > 0 && asked.every(({block}) => block('rubric') === 'Own.'));
  const byFile = await said(...graded, '--column', 'rubric=', '--rubric', at('rubric.txt'));
  assert.equal((JSON.parse(byFile.out) as {samples: unknown[]}).samples.length, 16);
  assert.equal(server.asked.at(-1)!.block('rubric'), 'Large digits are better.');
  const set = {max_tokens: 9, seed: null, top_k: 1};
  const more = ['--judge-timeout', '50000', '--judge-concurrency', '1', '--judge-request', JSON.stringify(set)];
  assert.equal((await said(...graded, ...more)).code, 0);
  const {messages: _, ...fields} = server.asked.at(-1)!.body;
  assert.deepEqual(fields, {model: 'm', temperature: 0, max_tokens: 9, top_k: 1});
  const named = ['--answers', 'judge', '--judge', 'm'];
  for (const [words, why] of [
    [['--judge-request', '{}'], /--judge-request is for answers that a judge reads/],
    [['--judge-timeout', '5'], /--judge-timeout is for answers that a judge reads/],
    [[...named, '--judge-request', '{a'], /--judge-request is no JSON/],
    [[...named, '--judge-request', '5'], /judge\.request is a record of fields/],
    [[...named, '--judge-request', '[]'], /judge\.request is a record of fields/],
    [[...named, '--judge-request', 'null'], /judge\.request is a record of fields/],
    [[...named, '--judge-request', '{"model": "x"}'], /judge\.request\.model: this field is filled in by r1/],
    [[...named, '--judge-timeout', '0'], /option '--judge-timeout <ms>' argument '0' is invalid/],
    [[...named, '--judge-concurrency', '2000'], /judge\.concurrency is a whole number from 1 to 1024/],
    [['--judge', 'm'], /--judge is for answers that a judge reads/],
    [['--answers', 'judge'], /wants to know who judges/],
    [['--answers', 'judge', '--judge', 'm', '--rubric', at('nowhere')], /cannot be read as a rubric/],
    [['--column', 'rubric=criteria'], /rubrics are for a judge/],
  ] as const) {
    const {code, err} = await said(...words);
    assert.equal(code, 2);
    assert.match(err, why);
  }
});
