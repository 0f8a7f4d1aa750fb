/**
 * GGUF files that r1 writes, read by Python's gguf and transformers. Runs only where these are at hand:
 *
 *     pip install gguf safetensors torch transformers && R1_TEST_PYTHON=python3 npm test
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openEngine} from '../../../../stages/engine/engine.js';
import {folderFromGguf} from '../../../../stages/model/gguf/index.js';
import {openModel} from '../../../../stages/model/hf-folder/index.js';
import {temporaryFolder} from '../../../rig/temporary.js';
import {logits} from '../../engine/programs.js';
import {CASES, exportGguf, writeSmall} from './small.js';

const python = process.env['R1_TEST_PYTHON'];
const IDS = [1, 17, 301, 299, 42, 42, 5, 118, 419, 63];

/** Of these transformers' GGUF loader knows less than llama.cpp: biases of Llama, and scalings of RoPE. */
const BYTES_ONLY = new Set([
  'llama with biases, untied',
  'llama with stretched wavelengths',
  'llama with YaRN',
  'llama with linear scaling',
]);

test(
  'Python’s gguf finds in our files what it would have written, and transformers computes the same',
  {skip: python === undefined && 'R1_TEST_PYTHON is not set'},
  async (t) => {
    const folder = temporaryFolder(t);
    const computed: Record<string, {ids: number[]; logits: number[]}> = {};
    for (const name of Object.keys(CASES)) {
      await writeSmall(join(folder, name), name);
      for (const type of ['f16', 'q8_0'] as const) {
        const file = `${name}.${type}.gguf`;
        await exportGguf(join(folder, name), join(folder, file), type);
        if (BYTES_ONLY.has(name)) continue;
        const again = join(temporaryFolder(t), 'model');
        await folderFromGguf(join(folder, file), again);
        const {config, weights} = await openModel(again);
        const engine = await openEngine({
          config,
          weights,
          threads: 1,
          programs: {logits: logits({rows: 1, lengths: [IDS.length]})},
        });
        computed[file] = {ids: IDS, logits: [...engine.run.logits([{tokens: IDS}])[0]!]};
        engine.dispose();
      }
    }
    writeFileSync(join(folder, 'logits.json'), JSON.stringify(computed));
    const script = join(import.meta.dirname, '../../../../../test/stages/model/gguf/check_gguf.py');
    const {status, stdout, stderr} = spawnSync(python!, [script, folder], {encoding: 'utf8'});
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim().split('\n').length, 2 * Object.keys(CASES).length);
    t.diagnostic(stdout);
  },
);
