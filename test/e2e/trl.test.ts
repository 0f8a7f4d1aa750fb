/**
 * The stages of TRL's trainers with real TRL, on one rank and on two: the same bytes for the same seed, and after a kill; what would be
 * another training than the one asked for is refused. On demand: `R1_TEST_TRL` names a Python that has stages/trl/requirements.txt.
 */
import assert from 'node:assert/strict';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {newestCheckpoint} from '../../pipeline/job/checkpoints.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import {helpfulRewardModel, safetyRewardModel, trlGrpo, trlSft} from '../../stages/index.js';
import type {Sabotage} from '../stages/saboteur.js';
import {continueFrom, make, outputPath, outputsOf, runStage, stepsOf, writeJob} from '../stages/stagejob.js';
import type {StageJob} from '../stages/stagejob.js';
import {writeTrainingData} from '../stages/training-data.js';

const python = process.env['R1_TEST_TRL'];
const skip = python === undefined && 'R1_TEST_TRL names no Python that has TRL';
const root = mkdtempSync(join(tmpdir(), 'r1-trl-'));
const at = (name: string): string => join(root, name);
const out = (job: string, port: string): string => outputPath(at(job), port);

const rl = {
  ...{questions: 2, group: 4, minibatches: 3, maxNewTokens: 24, learningRate: 1e-3, referenceEvery: 4},
  ...{clipLow: 0.2, clipHigh: 0.2, patience: 1000},
};

const JOBS: Readonly<Record<string, StageJob>> = {
  sft: {
    ...{stage: trlSft, exported: 'trlSft', params: {batch: 8, epochs: 5}},
    inputs: {base: out('base', 'model'), data: {general: at('samples')}},
  },
  grpo: {
    ...{stage: trlGrpo, exported: 'trlGrpo'},
    inputs: {policy: out('base', 'model'), prompts: at('questions')},
    params: {...rl, template: 'tiny-zero', steps: 11, snapshots: [2, 7]},
  },
  'grpo with reward models, in micro-batches': {
    ...{stage: trlGrpo, exported: 'trlGrpo'},
    inputs: {
      ...{policy: out('base', 'model'), prompts: at('questions'), general: at('general-questions')},
      ...{helpful: out('helpful', 'model'), safety: out('safe', 'model')},
    },
    params: {
      ...{...rl, template: 'chat', steps: 9, microBatch: 4, generalFrom: 0.3},
      rewards: {accuracy: 1, format: 1, language: 1, helpful: 1, safe: 1},
    },
  },
};

const onTwo = (job: StageJob): StageJob => ({...job, params: {...job.params, ranks: 2}});

describe('TRL', {skip}, () => {
  before(async () => {
    process.env['R1_PYTHON'] = python;
    await writeTrainingData(at);
    const params = {batch: 8, microBatch: 8, epochs: 1, learningRate: 1e-3};
    const base = out('base', 'model');
    const helpful = {stage: helpfulRewardModel, exported: 'helpfulRewardModel', inputs: {base, data: at('pairs')}};
    const safe = {stage: safetyRewardModel, exported: 'safetyRewardModel', inputs: {base, data: at('labels')}};
    await make(at('helpful'), {...helpful, params});
    await make(at('safe'), {...safe, params});
  });
  after(() => rmSync(root, {recursive: true, force: true}));

  for (const [name, one] of Object.entries(JOBS)) {
    for (const job of name === 'grpo' || name === 'sft' ? [one, onTwo(one)] : [one]) {
      const title = `${name}${job === one ? '' : ' on two ranks'}`;
      test(`${title}: the same bytes again, and after it was killed twice and stopped once`, async () => {
        const whole = at(`${title}, whole`);
        await make(whole, job);
        await make(at(`${title}, again`), job);
        assert.deepEqual(outputsOf(at(`${title}, again`)), outputsOf(whole));
        const total = stepsOf(whole).at(-1)!;
        const ends: readonly Sabotage[] = [
          {signal: 'SIGKILL', moment: 'written', step: 1},
          {signal: 'SIGTERM', moment: 'computing', step: Math.ceil(total / 2)},
          {signal: 'SIGKILL', moment: 'computing', step: total - 1},
        ];
        const from: (number | undefined)[] = [];
        for (const [index, sabotage] of [...ends, undefined].entries()) {
          const folder = at(`${title}, ${index}`);
          writeJob(folder, {...job, checkpointEvery: 2});
          if (index > 0) from.push(continueFrom(at(`${title}, ${index - 1}`), folder));
          const end = await runStage(folder, sabotage);
          const expected = sabotage === undefined ? 'succeeded' : sabotage.signal === 'SIGTERM' ? 'stopped' : undefined;
          assert.equal(end.result?.end, expected, end.stderr);
          assert.ok(index === ends.length || newestCheckpoint(jobFiles(folder).checkpoints) !== undefined);
        }
        assert.ok(new Set(from).size >= 2, `it went on from steps ${from.join(', ')}`);
        assert.deepEqual(outputsOf(at(`${title}, ${ends.length}`)), outputsOf(whole));
      });
    }
  }

  test('a model of two ranks is another one, in its last bits', () => {
    const weights = (title: string) => outputsOf(at(`${title}, whole`))['model/model.safetensors'];
    assert.notEqual(weights('sft'), weights('sft on two ranks'));
    const losses = (title: string): number[] =>
      readFileSync(join(out(`${title}, whole`, 'history'), 'rows.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as {loss: number}).loss);
    const two = losses('sft on two ranks');
    for (const [step, loss] of losses('sft').entries())
      assert.ok(Math.abs(loss - two[step]!) < 1e-3, `step ${step + 1}: ${loss} and ${two[step]}`);
  });

  const refused = async (job: StageJob, env: Readonly<Record<string, string>>, message: RegExp): Promise<void> => {
    const folder = mkdtempSync(join(root, 'refused-'));
    writeJob(folder, job);
    Object.assign(process.env, env);
    const {result, stderr} = await runStage(folder);
    for (const name of Object.keys(env)) Reflect.deleteProperty(process.env, name);
    assert.equal(result?.end, 'failed', stderr);
    assert.match('message' in result ? result.message : '', message);
  };

  test('what would train otherwise than asked is refused in a sentence', async () => {
    const sft = JOBS['sft']!;
    const config = (config: object): StageJob => ({...sft, params: {...sft.params, config} as never});
    await refused(sft, {WORLD_SIZE: '2', RANK: '0'}, /^1 ranks are to train together, and there are 2$/);
    await refused(sft, {ACCELERATE_USE_FSDP: 'true'}, /^ACCELERATE_USE_FSDP is set for this node/);
    await refused(config({fsdp: 'full_shard'}), {}, /^config\.fsdp: ranks hold whole copies/);
    await refused(config({seed: 1}), {}, /^config\.seed is set by the stage itself/);
    await refused(config({epoch: 1}), {}, /^config\.epoch: SFTConfig of this TRL has no such setting$/);
    await refused(config({max_grad_norms: 1}), {}, /no such setting/);
  });
});
