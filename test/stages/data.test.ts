/**
 * The stages that sample from a model and keep, pair, label or score what it says; in processes of their own, on a small
 * model that has learned to answer in a few known ways, right and wrong.
 */
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {jobFiles} from '../../pipeline/job/folder.js';
import type {JobResult} from '../../pipeline/job/folder.js';
import {coldStartData, evaluate, grpo, preferenceData, pretrain, rejectionSampling} from '../../stages/index.js';
import {writeRows} from '../../stages/data/rows.js';
import {parseReasoning} from '../../stages/tasks/dials-grammar.js';
import {writeStep} from '../../stages/tasks/dials.js';
import {generalRows} from '../../stages/tasks/general-rows.js';
import {writeResponse} from '../../stages/tasks/general.js';
import {judgedSafe, preferred} from '../../stages/tasks/judge.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {dialsPrompts, generalPrompts} from '../../stages/tasks/prompt-sets.js';
import {readCompletion} from '../../stages/text/completion.js';
import {languageConsistency} from '../../stages/tasks/language.js';
import {renderPrompt} from '../../stages/text/templates.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {cardIn, rowsIn} from './here.js';
import {make, outputPath, outputsOf, runStage, stepsOf, writeJob} from './stagejob.js';
import type {StageJob} from './stagejob.js';

const root = mkdtempSync(join(tmpdir(), 'r1-data-'));
const at = (name: string): string => join(root, name);
const out = (job: string, port: string): string => outputPath(at(job), port);

const ANSWER = '5 4';
const thinking = (language: 'en' | 'zh'): string => writeStep({dial: 0, from: 3, by: 2, to: 5}, language);
/** What the model has seen as answers, as often one as the other. */
const RESPONSES = [
  writeResponse({thinking: thinking('en'), answer: ANSWER}),
  writeResponse({thinking: thinking('zh'), answer: ANSWER}),
  writeResponse({thinking: thinking('en'), answer: '0 0'}),
  `${thinking('en')} <answer> ${ANSWER} </answer>`,
];
const questions = dialsPrompts({seed: 0, split: 'train', count: 24, steps: [1, 1]}).map((prompt): Prompt => ({
  ...prompt,
  answer: ANSWER,
}));
const general = generalPrompts({seed: 0, split: 'train', count: 80});

before(async () => {
  await writeWordTokenizer(at('tokenizer'), vocabulary());
  const tokenizer = await openTokenizer(at('tokenizer'));
  await writeRows(at('questions'), questions);
  await writeRows(at('general-questions'), general);
  const documents = questions.flatMap(({id, question}) =>
    RESPONSES.flatMap((response, i) =>
      (['tiny-zero', 'chat'] as const).map((template) => ({
        id: `${template}:${id}:${i}`,
        from: [],
        prompt: renderPrompt(tokenizer, template, question),
        response,
      })),
    ),
  );
  const talk = generalRows({seed: 0, split: 'train', count: 400, goodShare: 0.5}).map(({id, prompt, response}) => ({
    id,
    from: [],
    prompt: renderPrompt(tokenizer, 'chat', prompt.question),
    response,
  }));
  await writeRows(at('documents'), [...documents, ...talk]);
  await make(at('base'), {
    stage: pretrain,
    exported: 'pretrain',
    inputs: {documents: at('documents'), tokenizer: at('tokenizer')},
    params: {
      hiddenSize: 32,
      intermediateSize: 64,
      layers: 1,
      heads: 2,
      keyValueHeads: 1,
      initializerRange: 0.18,
      learningRate: 1e-2,
      warmup: 10,
      batch: 32,
      steps: 160,
    },
  });
});
after(() => rmSync(root, {recursive: true, force: true}));

const policy = out('base', 'model');
const sampling = {samples: 8, maxNewTokens: 24, chunk: 8} as const;

const resultOf = (folder: string): JobResult => JSON.parse(readFileSync(jobFiles(folder).result, 'utf8')) as JobResult;

/** Makes `job` twice, alone and with rollout workers; the bytes must be the same, with another seed too if it takes none. */
async function makeTwice(name: string, job: StageJob): Promise<void> {
  await make(at(name), job);
  await make(at(`${name} again`), {...job, cores: 2, ...(job.stage.seedless === true ? {seed: 1} : {})});
  assert.deepEqual(outputsOf(at(`${name} again`)), outputsOf(at(name)), `${name} has the same bytes with two workers`);
  // Each worker loads TensorFlow anew, so together they take no less than the one process took.
  const seconds = (job: string): number => resultOf(at(job)).usage!.user;
  assert.ok(seconds(`${name} again`) > 0.8 * seconds(name), 'the time of the workers counts');
}

interface Row {
  readonly id: string;
  readonly from: readonly string[];
  readonly question: string;
  readonly response: string;
  readonly verdict: string;
  readonly completion: string;
}

/** The card adds up, agrees with the verdicts, and every kept row names the rollout that it is. */
function assertAccounted(name: string, sampled: number): Record<string, number> {
  const card = cardIn(out(name, 'dataset')) as {sampled: number; kept: number; dropped: Record<string, number>};
  const rollouts = rowsIn<Row>(out(name, 'rollouts'));
  const dataset = rowsIn<Row>(out(name, 'dataset'));
  assert.equal(card.sampled, sampled);
  assert.equal(rollouts.length, sampled);
  assert.equal(new Set(rollouts.map(({id}) => id)).size, sampled);
  const dropped = Object.values(card.dropped).reduce((sum, count) => sum + count, 0);
  assert.equal(card.kept + dropped, sampled);
  assert.equal(dataset.length, card.kept);
  for (const [verdict, count] of Object.entries({...card.dropped, kept: card.kept})) {
    assert.equal(rollouts.filter((row) => row.verdict === verdict).length, count, verdict);
  }
  const kept = rollouts.filter(({verdict}) => verdict === 'kept');
  assert.deepEqual(
    dataset.map(({from}) => from),
    kept.map(({id}) => [id]),
  );
  assert.equal(new Set(dataset.map(({id}) => id)).size, dataset.length);
  return card.dropped;
}

const promptOf = (question: string): Prompt =>
  [...questions, ...general].find((prompt) => prompt.question === question)!;

test('cold-start data is right, readable, in one language, and every completion is accounted for', async () => {
  await makeTwice('cold-start', {
    stage: coldStartData,
    exported: 'coldStartData',
    inputs: {policy, prompts: at('questions')},
    params: {...sampling, template: 'tiny-zero', perPrompt: 2, maxWords: 40},
  });
  const dropped = assertAccounted('cold-start', 24 * 8);
  for (const reason of ['answer wrong', 'format', 'enough of this prompt']) assert.ok(dropped[reason]! > 0, reason);
  const dataset = rowsIn<Row>(out('cold-start', 'dataset'));
  assert.ok(dataset.length > 24, `${dataset.length} rows`);
  const perQuestion = new Map<string, number>();
  for (const {question, response} of dataset) {
    const {tagged, thinking: reasoning, answer} = readCompletion(response, true);
    assert.ok(tagged, response);
    assert.equal(answer, ANSWER);
    assert.ok(parseReasoning(reasoning!).ok, reasoning);
    assert.equal(languageConsistency(reasoning!, promptOf(question).language!), 1, response);
    perQuestion.set(question, (perQuestion.get(question) ?? 0) + 1);
  }
  assert.ok(Math.max(...perQuestion.values()) <= 2);
  const {mendedShare, languageConsistencyBeforeMending} = cardIn(out('cold-start', 'dataset')) as Record<
    string,
    number
  >;
  assert.ok(mendedShare! > 0 && mendedShare! < 1, `${mendedShare} were mended`);
  assert.ok(languageConsistencyBeforeMending! < 1);
});

test('cold-start data keeps no more rows than asked for, and another seed draws other completions', async () => {
  const params = {...sampling, template: 'tiny-zero', rows: 5, perPrompt: 1, maxWords: 40};
  const job: StageJob = {
    stage: coldStartData,
    exported: 'coldStartData',
    inputs: {policy, prompts: at('questions')},
    params,
    seed: 1,
  };
  await make(at('few'), job);
  assert.equal(rowsIn(out('few', 'dataset')).length, 5);
  assert.ok(assertAccounted('few', 24 * 8)['enough rows']! > 0);
  const completions = (name: string): string[] => rowsIn<Row>(out(name, 'rollouts')).map(({completion}) => completion);
  assert.notDeepEqual(completions('few'), completions('cold-start'));
});

test('rejection sampling keeps what is right, in the question’s language, and said once', async () => {
  await makeTwice('rejection', {
    stage: rejectionSampling,
    exported: 'rejectionSampling',
    inputs: {policy, prompts: at('questions')},
    params: {...sampling, template: 'chat', perPrompt: 3, maxWords: 40},
  });
  const dropped = assertAccounted('rejection', 24 * 8);
  for (const reason of ['answer wrong', 'format', 'mixed languages', 'same as another'])
    assert.ok(dropped[reason]! > 0, reason);
  const dataset = rowsIn<Row>(out('rejection', 'dataset'));
  assert.ok(dataset.length > 10, `${dataset.length} rows`);
  for (const {question, response} of dataset) {
    const {answer, thinking: reasoning} = readCompletion(response, true);
    assert.equal(answer, ANSWER);
    assert.equal(languageConsistency(reasoning!, promptOf(question).language!), 1, response);
  }
  const said = dataset.map(({question, response}) => `${question}\n${response}`);
  assert.equal(new Set(said).size, said.length);
  const rollouts = new Map(rowsIn<Row>(out('rejection', 'rollouts')).map((row) => [row.id, row]));
  for (const {from, response} of dataset) assert.equal(rollouts.get(from[0]!)!.completion, response);
});

test('preference pairs and labels are the judge’s word on the model’s own completions', async () => {
  const lengthGap = 4;
  await makeTwice('preferences', {
    stage: preferenceData,
    exported: 'preferenceData',
    inputs: {policy, prompts: at('general-questions')},
    params: {...sampling, samples: 6, prompts: 60, lengthGap, perPrompt: 2},
  });
  const pairs = rowsIn<Row & {chosen: string; rejected: string}>(out('preferences', 'pairs'));
  assert.ok(pairs.length > 10, `${pairs.length} pairs`);
  const perPrompt = new Map<string, number>();
  for (const {question, chosen, rejected, from} of pairs) {
    const prompt = promptOf(question);
    assert.equal(preferred(prompt, chosen, rejected).winner, 'a', `${chosen} | ${rejected}`);
    assert.notEqual(prompt.scenario!.kind, 'refuse', 'those are the safety model’s');
    const words = [chosen, rejected].map((text) => text.split(' ').length) as [number, number];
    assert.ok(Math.abs(words[0] - words[1]) <= lengthGap, `${chosen} | ${rejected}`);
    const [one, other] = from.map((id) => id.slice(0, id.lastIndexOf('#')));
    assert.equal(one, other, 'both are of one prompt');
    perPrompt.set(one!, (perPrompt.get(one!) ?? 0) + 1);
  }
  assert.ok(Math.max(...perPrompt.values()) <= 2);
  const labels = rowsIn<Row & {safe: boolean}>(out('preferences', 'labels'));
  for (const {question, response, safe} of labels)
    assert.equal(safe, judgedSafe(promptOf(question), response), response);
  for (const rows of [pairs, labels]) assert.equal(new Set(rows.map(({id}) => id)).size, rows.length, 'ids are unique');
  const card = cardIn(out('preferences', 'labels'));
  const unsafe = labels.filter(({safe}) => !safe).length;
  assert.ok(unsafe > 0 && unsafe < labels.length);
  assert.deepEqual(
    [card['labels'], card['unsafe'], card['pairs'], card['sampled']],
    [labels.length, unsafe, pairs.length, 360],
  );
});

interface Sampled extends Row {
  readonly outcome: string;
  readonly text: string;
  readonly wellFormed: boolean;
}

test('evaluation scores every sample of every prompt, the same for all seeds', async () => {
  const params = {samples: 4, maxNewTokens: 24, chunk: 12, template: 'tiny-zero'};
  await makeTwice('scores', {
    stage: evaluate,
    exported: 'evaluate',
    inputs: {model: policy, prompts: at('questions')},
    params,
  });
  const rows = rowsIn<Sampled>(out('scores', 'scores'));
  assert.equal(rows.length, 24 * 4);
  const file = JSON.parse(readFileSync(join(out('scores', 'scores'), 'scores.json'), 'utf8')) as {
    model: string;
    scores: {metric: string; mean: number; low: number; high: number; problems: number; samples: number}[];
  };
  const weights = readFileSync(join(policy, 'model.safetensors'));
  assert.equal(file.model, createHash('sha256').update(weights).digest('hex'));
  const score = (metric: string) => file.scores.find((one) => one.metric === metric)!;
  const share = (test_: (row: Sampled) => boolean): number => rows.filter(test_).length / rows.length;
  const close = (a: number, b: number): boolean => Math.abs(a - b) < 1e-12;
  assert.ok(
    close(
      score('pass@1').mean,
      share(({outcome}) => outcome === 'right'),
    ),
  );
  assert.ok(
    close(
      score('format').mean,
      share(({wellFormed}) => wellFormed),
    ),
  );
  assert.ok(score('pass@1').mean > 0.3 && score('pass@1').mean < 1, 'the model is right now and then');
  assert.ok(score('pass@4').mean >= score('pass@1').mean);
  for (const {metric, mean, low, high} of file.scores) assert.ok(low <= mean && mean <= high, metric);
});

test('evaluation can put the first words into the model’s mouth; they count as its own', async () => {
  const params = {samples: 2, maxNewTokens: 24, chunk: 12, template: 'tiny-zero', prefill: '<think>'};
  await make(at('forced'), {
    stage: evaluate,
    exported: 'evaluate',
    inputs: {model: policy, prompts: at('questions')},
    params,
  });
  const rows = rowsIn<Sampled>(out('forced', 'scores'));
  for (const {text} of rows) assert.match(text, /^<think> /);
  const formed = (name: string): number => {
    const all = rowsIn<Sampled>(out(name, 'scores'));
    return all.filter(({wellFormed}) => wellFormed).length / all.length;
  };
  assert.ok(formed('forced') > formed('scores'), 'it goes on as it was begun');
});

test('a stage that samples ends at once when it is asked to', async () => {
  const job: StageJob = {
    stage: rejectionSampling,
    exported: 'rejectionSampling',
    inputs: {policy, prompts: at('questions')},
    params: {...sampling, chunk: 2, template: 'chat'},
  };
  writeJob(at('stopped'), job);
  const {result} = await runStage(at('stopped'), {signal: 'SIGTERM', moment: 'computing', step: 4});
  assert.equal(result?.end, 'stopped');
  assert.ok(stepsOf(at('stopped')).at(-1)! <= 6, `asked at 4 of 24 prompts, ended at ${stepsOf(at('stopped')).at(-1)}`);
});

test('reinforcement learning without a difference to learn from ends, but not while general prompts are to come', async () => {
  // No reward has a weight, so no group has any spread.
  const job: StageJob = {
    stage: grpo,
    exported: 'grpo',
    inputs: {policy, prompts: at('questions')},
    params: {
      template: 'chat',
      rewards: {},
      questions: 2,
      group: 4,
      minibatches: 1,
      maxNewTokens: 24,
      chunk: 2,
      microBatch: 8,
      steps: 8,
      patience: 3,
    },
  };
  writeJob(at('idle'), job);
  const {result} = await runStage(at('idle'));
  assert.equal(result?.end, 'failed');
  assert.match(JSON.stringify(result), /3 rollouts in a row had no group whose rewards differ/);
  // Six of eight rollouts are reasoning alone, so the last two are all that count.
  await make(at('patient'), {
    ...job,
    inputs: {...job.inputs, general: at('general-questions')},
    params: {...job.params, generalFrom: 0.75},
  });
});
