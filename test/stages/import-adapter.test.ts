/** LoRA adapters as PEFT writes them (`test/fixtures/adapters/make.py`), beside what PEFT itself merges them into. */
import assert from 'node:assert/strict';
import {cpSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {StageFailure} from '../../pipeline/stage.js';
import {importAdapter} from '../../stages/index.js';
import {openModel} from '../../stages/model/hf-folder/index.js';
import {readSafetensors, writeSafetensors} from '../../stages/model/safetensors.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../rig/temporary.js';
import {runHere} from './here.js';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures');
const CASES = {patterns: 'llama-tiny', rslora: 'llama-tiny', whole: 'qwen2-tiny'} as const;

async function baseOf(t: TestContext, name: keyof typeof CASES): Promise<string> {
  const folder = temporaryFolder(t);
  cpSync(join(FIXTURES, 'hf', CASES[name]), folder, {recursive: true});
  await writeWordTokenizer(folder, vocabulary().slice(0, 40));
  return folder;
}

for (const name of Object.keys(CASES) as (keyof typeof CASES)[]) {
  test(`an adapter (${name}) is merged as PEFT merges it`, async (t) => {
    const base = await baseOf(t, name);
    const {out, notes} = await runHere(t, importAdapter, {
      inputs: {model: base, adapter: join(FIXTURES, 'adapters', name)},
    });
    const [before, after] = [await openModel(base), await openModel(out('model'))];
    const {tensors: expected} = await readSafetensors(join(FIXTURES, 'adapters', name, 'merged.safetensors'));
    assert.ok(expected.size > 0);
    for (const [tensor, values] of after.weights) {
      const wanted = expected.get(tensor)?.values ?? before.weights.get(tensor)!;
      const gap = values.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
      assert.ok(expected.has(tensor) ? gap < 1e-6 : gap === 0, `${tensor}: ${gap}`);
    }
    assert.equal((await openTokenizer(out('model'))).size, (await openTokenizer(base)).size);
    const whole = name === 'whole' ? 3 : 0;
    assert.equal(
      notes.join(),
      `${expected.size - whole} matrices adapted, ${whole} tensors replaced; it says that it was trained on ${CASES[name]}`,
    );
  });
}

type Json = Record<string, unknown>;
const set = (fields: Json) => (folder: string) => {
  const file = join(folder, 'adapter_config.json');
  writeFileSync(file, JSON.stringify({...(JSON.parse(readFileSync(file, 'utf8')) as Json), ...fields}));
};
const without = (lost: RegExp) => async (folder: string) => {
  const file = join(folder, 'adapter_model.safetensors');
  const {tensors} = await readSafetensors(file);
  await writeSafetensors(file, new Map([...tensors].filter(([name]) => !lost.test(name))));
};

const REFUSED: Readonly<Record<string, readonly [change: (folder: string) => Promise<void> | void, said: RegExp]>> = {
  'of another kind': [set({peft_type: 'IA3'}), /adapter_config\.json: peft_type is “IA3”; LORA can be merged/],
  'that is DoRA': [set({use_dora: true}), /adapter_config\.json: use_dora: not implemented/],
  'with biases in it': [set({lora_bias: true}), /lora_bias: not implemented/],
  'with a field to come': [set({use_newlora: {alpha: 1}}), /use_newlora: not implemented/],
  'that took a part out of its base': [
    set({init_lora_weights: 'pissa'}),
    /init_lora_weights is “pissa”, which changes the base/,
  ],
  'of another rank than it says': [
    set({rank_pattern: {}}),
    /lora_A of “model\.layers\.0\.mlp\.down_proj” has shape \[2, 112\], and rank 4 on the base’s \[48, 112\] asks for \[4, 112\]/,
  ],
  'that lacks a module': [
    without(/layers\.1\.self_attn\.v_proj/),
    /target_modules names “model\.layers\.1\.self_attn\.v_proj”/,
  ],
  'that lacks half of a pair': [
    without(/layers\.1\.self_attn\.v_proj\.lora_B/),
    /“model\.layers\.1\.self_attn\.v_proj” has a lora_A and no lora_B/,
  ],
  'with more than it targets': [
    set({target_modules: ['q_proj']}),
    /it changes “model\.layers\.0\.mlp\.down_proj”, which target_modules does not name/,
  ],
  'with a pattern that is none': [set({target_modules: '('}), /adapter_config\.json: Invalid regular expression/],
  'without its config': [(folder) => rmSync(join(folder, 'adapter_config.json')), /adapter_config\.json/],
  'without its tensors': [
    (folder) => rmSync(join(folder, 'adapter_model.safetensors')),
    /adapter_model\.safetensors: there is no such file/,
  ],
  'of a base with other layers': [
    async (folder) => {
      const file = join(folder, 'adapter_model.safetensors');
      const {tensors} = await readSafetensors(file);
      const shifted = [...tensors].map(([name, tensor]) => [name.replace('layers.1', 'layers.7'), tensor] as const);
      await writeSafetensors(file, new Map(shifted));
      set({target_modules: null, rank_pattern: {down_proj: 2, q_proj: 3, 'layers\\.0\\.self_attn\\.q_proj': 4}})(
        folder,
      );
    },
    /it changes “model\.layers\.7\..*”, which the base does not have|asks for/,
  ],
};

for (const [how, [change, said]] of Object.entries(REFUSED)) {
  test(`an adapter ${how} is refused with a sentence`, async (t) => {
    const adapter = temporaryFolder(t);
    cpSync(join(FIXTURES, 'adapters/patterns'), adapter, {recursive: true});
    await change(adapter);
    await assert.rejects(
      runHere(t, importAdapter, {inputs: {model: await baseOf(t, 'patterns'), adapter}}),
      (error: unknown) => {
        assert.ok(error instanceof StageFailure, String(error));
        assert.match(error.message, said);
        return true;
      },
    );
  });
}

test('an adapter of a base whose matrices have other sizes is refused, with both shapes', async (t) => {
  const inputs = {model: await baseOf(t, 'whole'), adapter: join(FIXTURES, 'adapters/rslora')};
  await assert.rejects(
    runHere(t, importAdapter, {inputs}),
    /has shape \[.*\], and rank 4 on the base’s \[.*\] asks for|does not have/,
  );
});
