/**
 * Checkpoints with configs drawn at random compute what Python's transformers computes with them. Runs only where Python has
 * torch, transformers and safetensors:
 *
 *     R1_TEST_PYTHON=…/bin/python R1_TEST_CHECKPOINTS=60 R1_TEST_SEED=1 npm test -- model/families
 *
 * Half a second to a few seconds for each checkpoint; prints the largest differences.
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {openModel, saveModel} from '../../../stages/model/hf-folder/index.js';
import type {Gaps} from './expectations.js';
import {gapsOf} from './expectations.js';

const SCRIPT = join(import.meta.dirname, '../../../../test/scripts/checkpoints.py');
const python = process.env['R1_TEST_PYTHON'];
const count = process.env['R1_TEST_CHECKPOINTS'] ?? '12';
const seed = process.env['R1_TEST_SEED'] ?? String(Math.floor(Math.random() * 1e6));

const run = (...args: string[]): string => {
  const {status, stdout, stderr} = spawnSync(python!, [SCRIPT, ...args], {encoding: 'utf8', maxBuffer: 2 ** 26});
  assert.equal(status, 0, stderr);
  return stdout.trim();
};

test(
  `checkpoints of all families compute what transformers computes, and come back to it (seed ${seed})`,
  {skip: python === undefined && 'R1_TEST_PYTHON is not set'},
  async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'r1-families-'));
    t.after(() => rm(root, {recursive: true}));
    run('draw', root, seed, count);
    const worst: Record<keyof Gaps, {gap: number; at: string}> = {
      logit: {gap: 0, at: ''},
      loss: {gap: 0, at: ''},
      norm: {gap: 0, at: ''},
    };
    const wrong: string[] = [];
    for (const name of (await readdir(root)).sort()) {
      const folder = join(root, name);
      const gaps = await gapsOf(folder).catch((error: unknown) => {
        wrong.push(`${name}: ${(error as Error).message}`);
      });
      for (const [what, gap] of Object.entries(gaps ?? {}) as [keyof Gaps, number][]) {
        if (gap >= 1e-4) wrong.push(`${name}: ${what} differs by ${gap}`);
        if (gap > worst[what].gap) worst[what] = {gap, at: name};
      }
      if (gaps) await saveModel(join(folder, 'back'), await openModel(folder));
    }
    const {logit, loss, norm} = worst;
    t.diagnostic(
      `${count} checkpoints of seed ${seed}: logits and scores within ${logit.gap.toExponential(1)} (${logit.at}), ` +
        `loss ${loss.gap.toExponential(1)} (${loss.at}), gradient norms ${norm.gap.toExponential(1)} (${norm.at})`,
    );
    assert.deepEqual(wrong, []);
    assert.equal(run('check', root), count);
  },
);
