/**
 * What stages take of memory beside what they declare. `node dist/test/bench/memory.js [MODEL …] [--only WORD …] [--all]`: each MODEL
 * is a Hugging Face folder with a tokenizer of its own; without one, or with `--all`, two sizes are made here. `--only` keeps the
 * stages that have one of the words in their names.
 *
 * “Declared” is what `memory` of the stage answers, as the runner asks it; “said” what the stage says of itself once it has read its
 * inputs, where that is more than a GiB.
 *
 * What is used is the highest sum, over all processes of the stage, of what each has for itself, and once the most of what a process
 * has mapped of files, which they share. It is read ten times a second, so a shorter peak is missed; the highest resident size of
 * the main process is printed too. (Proportional sizes would be exact, but reading them stops a process of some GB for so long that
 * it hardly computes.)
 */
import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {jobFiles} from '../../pipeline/job/folder.js';
import type {AnyStage, Params} from '../../pipeline/stage.js';
import {writeRows} from '../../stages/data/rows.js';
import {evaluate, grpo, helpfulRewardModel, pretrain, rejectionSampling, sft} from '../../stages/index.js';
import {newConfig} from '../../stages/model/config.js';
import {saveModel} from '../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../stages/model/parameters.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {dialsPrompts} from '../../stages/tasks/prompt-sets.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {writeJob} from '../stages/stagejob.js';

const ENTRY = fileURLToPath(new URL('../../stages/main.js', import.meta.url));

interface Case {
  readonly name: string;
  readonly stage: AnyStage;
  readonly exported: string;
  readonly inputs: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly params: Params;
  readonly cores: number;
}

/** All stages for one model. */
function cases(model: string, data: Data): Case[] {
  const {hiddenSize, intermediateSize, layers, heads, keyValueHeads} = configOf(model);
  const rl = {
    template: 'chat',
    steps: 2,
    questions: 2,
    group: 4,
    minibatches: 1,
    maxNewTokens: 64,
    chunk: 1,
    microBatch: 8,
  };
  const reinforced = (name: string, params: Params, cores: number): Case => ({
    name,
    stage: grpo,
    exported: 'grpo',
    inputs: {policy: model, prompts: data.prompts},
    params: {...rl, patience: 1000, ...params},
    cores,
  });
  return [
    {
      name: 'sft',
      stage: sft,
      exported: 'sft',
      inputs: {base: model, data: {rows: data.rows}},
      params: {batch: 8, microBatch: 8, epochs: 1},
      cores: 1,
    },
    reinforced('grpo', {klCoefficient: 0}, 1),
    reinforced('grpo, reference', {}, 1),
    reinforced('grpo, reference, 2 workers', {}, 2),
    reinforced('grpo, bf16 rollouts', {rolloutPrecision: 'bf16'}, 1),
    {
      name: 'evaluate',
      stage: evaluate,
      exported: 'evaluate',
      inputs: {model, prompts: data.prompts},
      params: {template: 'chat', samples: 4, maxNewTokens: 64, chunk: 4},
      cores: 1,
    },
    {
      name: 'rejection-sampling, 2 workers',
      stage: rejectionSampling,
      exported: 'rejectionSampling',
      inputs: {policy: model, prompts: data.prompts},
      params: {prompts: 16, samples: 8, chunk: 4, maxNewTokens: 128},
      cores: 2,
    },
    {
      name: 'helpful-reward-model',
      stage: helpfulRewardModel,
      exported: 'helpfulRewardModel',
      inputs: {base: model, data: data.pairs},
      params: {batch: 8, microBatch: 8},
      cores: 1,
    },
    {
      name: 'pretrain',
      stage: pretrain,
      exported: 'pretrain',
      inputs: {documents: data.documents, tokenizer: model},
      params: {
        ...{hiddenSize, intermediateSize, layers, heads, keyValueHeads},
        ...{steps: 2, batch: 8, microBatch: 8, maxPositions: 512, gate: 0},
      },
      cores: 1,
    },
  ];
}

/** Folders that stages read. */
interface Data {
  readonly prompts: string;
  readonly rows: string;
  readonly pairs: string;
  readonly documents: string;
}

const configOf = (model: string) => {
  const read = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8')) as Readonly<Record<string, number>>;
  return {
    hiddenSize: read['hidden_size']!,
    intermediateSize: read['intermediate_size']!,
    layers: read['num_hidden_layers']!,
    heads: read['num_attention_heads']!,
    keyValueHeads: read['num_key_value_heads']!,
  };
};

/** MiB, as the runner asks for it. */
async function declaredBy({stage, inputs, params, cores}: Case): Promise<number | undefined> {
  const context = {inputs, params: {...stage.params, ...params}, threads: 1, cores};
  return (await stage.memory?.(context as never))?.mib;
}

/** Runs a stage and looks at its processes. MiB. */
async function used(folder: string, {stage, exported, inputs, params, cores}: Case) {
  writeJob(folder, {stage, exported, inputs, params, cores});
  const child = spawn(process.execPath, [ENTRY, folder], {stdio: ['ignore', 'ignore', 'pipe']});
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  let together = 0;
  let highest = 0;
  const look = setInterval(() => {
    const all = treeOf(child.pid!);
    const own = all.reduce((sum, pid) => sum + inMemory(pid, 'RssAnon'), 0);
    together = Math.max(together, own + Math.max(...all.map((pid) => inMemory(pid, 'RssFile'))));
    highest = Math.max(highest, inMemory(child.pid!, 'VmHWM'));
  }, 100);
  const code = await new Promise((settle) => child.once('close', settle));
  clearInterval(look);
  const result = existsSync(jobFiles(folder).result) ? readFileSync(jobFiles(folder).result, 'utf8') : '';
  if (code !== 0 || !result.includes('succeeded')) throw new Error(`${stage.name} failed: ${result || stderr}`);
  return {together, highest, said: saidIn(folder)};
}

/** What the stage said of itself in its log. */
function saidIn(folder: string): number | undefined {
  const events = readFileSync(jobFiles(folder).events, 'utf8');
  const said = /needs about ([\d.]+) GiB/.exec(events)?.[1];
  return said === undefined ? undefined : Number(said) * 1024;
}

/** A process and all below it. */
function treeOf(pid: number): number[] {
  const children = (of: number): number[] => {
    try {
      return readdirSync(`/proc/${of}/task`).flatMap((task) =>
        readFileSync(`/proc/${of}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
      );
    } catch {
      return []; // it has ended meanwhile
    }
  };
  return [pid, ...children(pid).flatMap(treeOf)];
}

/** What the system says of a process, in MiB. */
function inMemory(pid: number, name: 'RssAnon' | 'RssFile' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended meanwhile
  }
}

async function makeModel(folder: string, hiddenSize: number, layers: number): Promise<void> {
  await writeWordTokenizer(`${folder}-tokenizer`, vocabulary());
  const {size, eosId, padId} = await openTokenizer(`${folder}-tokenizer`);
  const config = newConfig({
    vocabSize: size,
    hiddenSize,
    intermediateSize: 3 * hiddenSize,
    layers,
    heads: hiddenSize / 64,
    maxPositions: 512,
    eosId,
    padId,
  });
  await saveModel(folder, {config, weights: initialWeights(config, 1), tokenizerFrom: `${folder}-tokenizer`});
}

const root = mkdtempSync(join(tmpdir(), 'r1-memory-'));
try {
  const args = process.argv.slice(2);
  const only = args.filter((_, at) => args[at - 1] === '--only');
  const given = args.filter((each, at) => !each.startsWith('--') && args[at - 1] !== '--only');
  const questions = dialsPrompts({seed: 0, split: 'train', count: 8});
  const folder = (name: string): string => join(root, name);
  const data = {
    prompts: folder('prompts'),
    rows: folder('rows'),
    pairs: folder('pairs'),
    documents: folder('documents'),
  };
  await writeRows(data.prompts, questions);
  await writeRows(
    data.rows,
    [...questions, ...questions].map(({question}, i) => ({
      id: String(i),
      from: [],
      question,
      response: `${question} `.repeat(3),
    })),
  );
  // Both sides of a pair are as long, so that a batch is as large as it can be.
  await writeRows(
    data.pairs,
    [...questions, ...questions, ...questions].map(({question}, i) => {
      const other = questions[(i + 1) % questions.length]!.question;
      return {
        id: String(i),
        from: [],
        question,
        chosen: `<think> </think> <answer> ${question} ${other} </answer>`,
        rejected: `<think> </think> <answer> ${other} ${question} </answer>`,
      };
    }),
  );
  await writeRows(
    data.documents,
    [...questions, ...questions].map(({question}, i) => ({
      ...{id: String(i), from: [], prompt: '', response: `${question} `.repeat(4)},
    })),
  );
  const models = [...given];
  if (given.length === 0 || args.includes('--all')) {
    for (const [hiddenSize, layers] of [
      [256, 8],
      [512, 12],
    ] as const) {
      const folder = join(root, `${hiddenSize}x${layers}`);
      await makeModel(folder, hiddenSize, layers);
      models.push(folder);
    }
  }
  console.log(`${'model'.padEnd(20)} ${'stage'.padEnd(30)}      used       declared      said  main process`);
  for (const model of models) {
    for (const [at, one] of cases(model, data).entries()) {
      if (only.length > 0 && !only.some((word) => one.name.includes(word))) continue;
      const declared = await declaredBy(one);
      const {together, highest, said} = await used(join(root, `job-${basename(model)}-${at}`), one);
      const beside =
        declared === undefined ? '–' : `${declared.toFixed(0)} (${((declared / together - 1) * 100).toFixed(0)} %)`;
      const columns = [together.toFixed(0), beside, said?.toFixed(0) ?? '–', highest.toFixed(0)];
      const widths = [9, 14, 9, 9];
      console.log(
        `${basename(model).padEnd(20)} ${one.name.padEnd(30)} ${columns.map((each, i) => each.padStart(widths[i]!)).join(' ')}`,
      );
    }
  }
} finally {
  rmSync(root, {recursive: true, force: true});
}
