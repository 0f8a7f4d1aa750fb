/**
 * A stage that is stopped or killed while hostile answers are graded: it ends soon, leaves no process behind, and what is resumed ends
 * with the same bytes.
 */
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test, type TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {jobFiles} from '../../../pipeline/job/folder.js';
import type {JobResult} from '../../../pipeline/job/folder.js';
import type {Params} from '../../../pipeline/stage.js';
import {writeRows} from '../../../stages/data/rows.js';
import {MATH_ENVIRONMENT} from '../../../stages/graders/math/index.js';
import {evaluate, grpo} from '../../../stages/index.js';
import {openEnvironment} from '../../../stages/python/environment.js';
import type {CodeTests} from '../../../stages/tasks/code-tests.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {until} from '../../rig/command.js';
import {descendantsOf, isAlive, type Descendant} from '../../rig/descendants.js';
import {opened} from '../../rig/python-sandbox.js';
import {writeSpeaker} from '../../rig/speaker.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {continueFrom, make, outputsOf, stepsOf, writeJob, type StageJob} from '../stagejob.js';

const ENTRY = fileURLToPath(new URL('../../../stages/main.js', import.meta.url));

const made = await openEnvironment(MATH_ENVIRONMENT, {note: () => undefined}).then(
  () => false as const,
  (error: unknown) => (error as Error).message,
);

interface Subject {
  readonly skip: false | string;
  /** What the model says, some of it hostile. */
  readonly replies: readonly string[];
  readonly prompt: Partial<Prompt> & Pick<Prompt, 'task'>;
  readonly params?: Params;
  /** Whether answers are being graded, from what runs below the stage. */
  isGrading(running: readonly Descendant[]): boolean;
}

const fenced = (body: string): string => `\`\`\`python\ndef one():\n${body}\n\`\`\``;
const tests: CodeTests = {style: 'check', entryPoint: 'one', code: 'assert one() == 1'};

const SUBJECTS: Readonly<Record<string, Subject>> = {
  mathematics: {
    skip: made,
    replies: ['\\boxed{5}', '\\boxed{6}', ...[5, 6].map((top) => `\\boxed{9^{9^{9^{9^{${top}}}}}}`)],
    prompt: {task: 'math', answer: '5'},
    // A fork of the process that has loaded Math-Verify makes a comparison.
    isGrading: (running) =>
      running.some(({parent, command}) => {
        const above = running.find(({pid}) => pid === parent)?.command;
        return command.includes('serve.py') && above?.includes('serve.py') === true;
      }),
  },
  code: {
    skip: opened.skip,
    replies: [
      fenced('    return 1'),
      fenced('    return 2'),
      fenced('    while True: pass'),
      fenced('    import os\n    while os.fork() >= 0: pass'),
    ],
    prompt: {task: 'code', answer: 'def one(): return 1', tests},
    isGrading: (running) => running.some(({command}) => command.includes('candidate')),
  },
  'code without a sandbox': {
    skip: spawnSync('setpriv', ['--version']).error?.message ?? false,
    replies: [fenced('    import time\n    time.sleep(100)')],
    prompt: {task: 'code', answer: 'def one(): return 1', tests},
    params: {sandbox: 'none-i-trust-every-program'},
    isGrading: (running) => running.some(({command}) => command.includes('candidate')),
  },
};

/** A job for each stage, on a model and prompts of its own. */
async function jobs(
  t: TestContext,
  {replies, prompt, params}: Subject,
): Promise<{root: string; rl: StageJob; scores: StageJob}> {
  const root = temporaryFolder(t);
  const prompts = ['1', '2'].map((number) => ({
    ...{id: number, from: [], key: number, question: `What is key-${number} ?`},
    ...prompt,
  }));
  await writeSpeaker(
    join(root, 'model'),
    prompts.map(({id}) => ({key: `key-${id}`, replies})),
  );
  await writeRows(join(root, 'prompts'), prompts);
  const asking = {template: 'chat', maxNewTokens: 4, chunk: 2};
  const updates = {steps: 2, questions: 1, group: 4, minibatches: 1, microBatch: 4, learningRate: 1e-3};
  return {
    root,
    rl: {
      ...{stage: grpo, exported: 'grpo', checkpointEvery: 1},
      inputs: {policy: join(root, 'model'), prompts: join(root, 'prompts')},
      params: {...asking, ...updates, checkGroups: 0, rewards: {accuracy: 1}},
    },
    scores: {
      ...{stage: evaluate, exported: 'evaluate'},
      inputs: {model: join(root, 'model'), prompts: join(root, 'prompts')},
      params: {...asking, ...params, samples: 8},
    },
  };
}

/** Starts a job, and sends it a signal once `isDue` says so. Gives how long it then took to end, and what was left of it. */
async function interrupted(
  folder: string,
  signal: 'SIGTERM' | 'SIGKILL',
  isDue: (running: readonly Descendant[]) => boolean,
): Promise<{ms: number; result: JobResult | undefined}> {
  const child = spawn(process.execPath, ['--enable-source-maps', ENTRY, folder], {stdio: ['ignore', 'ignore', 'pipe']});
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      hasEnded = true;
      resolve();
    });
  });
  try {
    const running = await until('answers are graded', () => {
      if (hasEnded) throw new Error(`it ended before that: ${errors}`);
      const below = descendantsOf(child.pid!);
      return isDue(below) && below;
    });
    const began = performance.now();
    child.kill(signal);
    await ended;
    const ms = performance.now() - began;
    await until('none of its processes is left', () => running.every(({pid}) => !isAlive(pid)), 2_000);
    const file = jobFiles(folder).result;
    return {ms, result: existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as JobResult) : undefined};
  } finally {
    child.kill('SIGKILL');
  }
}

for (const [name, subject] of Object.entries(SUBJECTS)) {
  // What runs without a sandbox is stopped as the others are; it differs in who ends it when its stage is killed.
  if (subject.params === undefined)
    test(
      `reinforcement learning that is stopped while ${name} is graded ends soon, and resumes`,
      subject,
      async (t) => {
        const {root, rl} = await jobs(t, subject);
        const [whole, stopped, resumed] = ['whole', 'stopped', 'resumed'].map((one) => join(root, one)) as [
          string,
          string,
          string,
        ];
        writeJob(stopped, rl);
        const {ms, result} = await interrupted(
          stopped,
          'SIGTERM',
          (running) =>
            existsSync(jobFiles(stopped).events) && stepsOf(stopped).includes(1) && subject.isGrading(running),
        );
        assert.equal(result?.end, 'stopped');
        assert.ok(ms < 3_000, `it took ${ms} ms`);
        assert.equal(continueFrom(stopped, resumed), 1);
        await make(resumed, rl);
        await make(whole, rl);
        assert.deepEqual(outputsOf(resumed), outputsOf(whole));
        t.diagnostic(`ended ${ms.toFixed(0)} ms after it was asked to`);
      },
    );

  for (const signal of ['SIGTERM', 'SIGKILL'] as const)
    test(`an evaluation that gets ${signal} while ${name} is graded leaves no process behind`, subject, async (t) => {
      const {root, scores} = await jobs(t, subject);
      writeJob(join(root, 'scores'), scores);
      const {ms, result} = await interrupted(join(root, 'scores'), signal, (running) => subject.isGrading(running));
      assert.equal(result?.end, signal === 'SIGTERM' ? 'stopped' : undefined);
      assert.ok(ms < 3_000, `it took ${ms} ms`);
      t.diagnostic(`ended after ${ms.toFixed(0)} ms`);
    });
}
