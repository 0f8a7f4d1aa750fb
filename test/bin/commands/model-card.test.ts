/** The card that lies beside an exported model. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {exportCommand} from '../../../bin/commands/export.js';
import {scoreSamples} from '../../../stages/evaluation/index.js';
import {Bench, temporaryFolder} from '../../artifacts/temporary.js';
import {samplesOf} from '../../stages/evaluation/samples.js';
import {spoken} from '../spoken.js';

/** A safetensors file with two tensors of 2 × 3 and 4 numbers. */
function weights(): Buffer {
  const header = Buffer.from(
    JSON.stringify({
      a: {dtype: 'F32', shape: [2, 3], data_offsets: [0, 24]},
      b: {dtype: 'F32', shape: [4], data_offsets: [24, 40]},
    }),
  );
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, Buffer.alloc(40)]);
}

const CONFIG = {model_type: 'llama', num_hidden_layers: 2, hidden_size: 3, vocab_size: 9, max_position_embeddings: 64};
const model = (files: Readonly<Record<string, string | Uint8Array>>) => ({model: {kind: 'model', files}});
const whole = model({'config.json': JSON.stringify(CONFIG), 'model.safetensors': weights()});

const scoresFile = {
  format: 'r1-scores-1',
  model: 'f'.repeat(64),
  template: 'chat',
  system: 'Be | `brief`.',
  temperature: 0.6,
  topP: 0.95,
  k: 4,
  scores: scoreSamples(samplesOf('rrrr', 'rrww'), {k: 4}),
};

async function cardOf(
  bench: Bench,
  t: Parameters<typeof temporaryFolder>[0],
  words: readonly string[],
): Promise<string> {
  const folder = join(temporaryFolder(t), 'out');
  const {code, err} = await spoken(exportCommand, bench.folder, [...words, folder]);
  assert.equal(code, 0, err);
  return readFileSync(join(folder, 'README.md'), 'utf8');
}

test('it says what was read, what was scored on just these bytes, and what it does not show', async (t) => {
  const bench = new Bench(t);
  const prompts = await bench.make({
    node: 'asked',
    stage: 'prompts',
    outputs: {train: {kind: 'prompts', files: {'rows.jsonl': '{"id":"1"}\n'}}},
  });
  const train = {port: 'prompts', name: '', artifact: prompts.outputs.train!.digest, madeBy: prompts.attempt};
  const zero = await bench.make({
    ...{node: 'zero', stage: 'grpo', inputs: [train], outputs: whole},
    params: {steps: 100, note: 'a ~~~~~~ b\n```'},
  });
  const asked = {port: 'model', name: '', artifact: zero.outputs.model!.digest, madeBy: zero.attempt};
  await bench.make({
    ...{node: 'evaluate-zero', stage: 'evaluate', inputs: [asked]},
    outputs: {scores: {kind: 'scores', files: {'scores.json': JSON.stringify(scoresFile)}}},
  });
  await bench.make({
    ...{node: 'theirs', stage: 'command', inputs: [asked]},
    outputs: {scores: {kind: 'scores', files: {'numbers.txt': '1'}}},
  });
  const card = await cardOf(bench, t, ['zero']);
  assert.match(card, /^---\nlibrary_name: transformers\n/);
  assert.match(card, /10 parameters \(llama, 2 layers, 3 wide, 9 tokens, 64 positions\)/); // 2 · 3 + 4
  assert.match(card, new RegExp(`- \`asked:train\`, prompts \`${prompts.outputs.train!.digest}\`: read by zero`));
  assert.ok(card.includes(`\`model.safetensors\`: sha256 \`${zero.outputs.model!.files[1]!.sha256}\``), card);
  assert.match(card, /\| pass@1 \| 0\.750 \[[\d., ]+\] \| 2 \| 8 \|/);
  assert.match(card, /chat, system “Be \\?\| 'brief'\.”; temperature 0\.6, top-p 0\.95, 4 samples a prompt/);
  assert.match(card, /theirs evaluated these weights; what it wrote is not there any more, or is of another shape/);
  assert.match(card, /Nothing was measured of its safety/);
  assert.match(card, /10 parameters show how the recipe works/);
  assert.ok(card.includes('"steps":100'), card);
  // Nothing that a param holds ends the block that it stands in.
  const fence = /<summary>Every param<\/summary>\n\n(~+)json\n([^]*?)\n\1\n/.exec(card);
  assert.deepEqual((JSON.parse(fence![2]!) as Record<string, {note?: string}>)['zero']!.note, 'a ~~~~~~ b\n```');
  // Equal stores give equal cards.
  assert.equal(await cardOf(bench, t, ['zero:model']), card);
});

test('a model of any other shape has a card, too, and one that has a card keeps it', async (t) => {
  const bench = new Bench(t);
  await bench.make({
    node: 'odd',
    stage: 'command',
    outputs: model({'config.json': 'no JSON', 'x.safetensors': 'none'}),
  });
  const odd = await cardOf(bench, t, ['odd']);
  assert.match(odd, /made in run 1: weights\.\n/);
  assert.match(odd, /No data set is known/);
  assert.match(odd, /None: nothing in the store has evaluated these weights/);
  await bench.make({
    node: 'carded',
    stage: 'fetch-model',
    outputs: model({'README.md': 'theirs', 'config.json': '{}'}),
  });
  assert.equal(await cardOf(bench, t, ['carded']), 'theirs');
});

test('without a card the folder is what the store has', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'zero', outputs: whole});
  const folder = join(temporaryFolder(t), 'out');
  const {out} = await spoken(exportCommand, bench.folder, ['zero', folder, '--no-card', '--json']);
  assert.ok(!existsSync(join(folder, 'README.md')));
  assert.ok(!('card' in JSON.parse(out)));
  assert.equal((await bench.store.describe(folder, 'model')).digest, made.outputs.model!.digest);
  const carded = join(temporaryFolder(t), 'out');
  const said = await spoken(exportCommand, bench.folder, ['zero', carded, '--json']);
  assert.equal((JSON.parse(said.out) as {card?: string}).card, 'README.md');
});
