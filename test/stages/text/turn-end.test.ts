/** A turn ends where the chat format says so, too: a model whose files name only `<|endoftext|>` stops at `<|im_end|>`. */
import assert from 'node:assert/strict';
import {cpSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {answerPrompts, openChat} from '../../../stages/evaluation/chat.js';
import {importModel} from '../../../stages/index.js';
import {readGeneration} from '../../../stages/model/hf-folder/index.js';
import {sampleRows} from '../../../stages/rollout/sample-from-model.js';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import {openGuardedTokenizer} from '../../../stages/text/guarded-tokenizer.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {turnEndOf} from '../../../stages/text/turn-end.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {runHere} from '../here.js';

const fixture = (path: string): string => fileURLToPath(new URL(`../../../../test/fixtures/${path}`, import.meta.url));
const template = (name: string): string => readFileSync(fixture(`templates/${name}.jinja`), 'utf8');

const CONTROLS = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '</s>',
  '<s>',
  '<|eot_id|>',
  '<end_of_turn>',
  '<|end|>',
];
const flags = {single_word: false, lstrip: false, rstrip: false, normalized: false, special: true};
const tokens = [...CONTROLS, '<｜end▁of▁sentence｜>', '<|start_header_id|>', '<|user|>', '<start_of_turn>'].map(
  (content, id) => ({content, id, ...flags}),
);
const endOf = (source: string): string | undefined => turnEndOf(source, tokens, {bos_token: '<s>', eos_token: '</s>'});

test('the end of a turn is the token behind what the assistant says, wherever the conversation ends', () => {
  for (const [name, end] of [
    ['chatml', '<|im_end|>'],
    ['qwen3-like', '<|im_end|>'],
    ['deepseek-like', '<｜end▁of▁sentence｜>'],
    ['llama3-like', '<|eot_id|>'],
    ['mistral-like', '</s>'],
    ['gemma-like', '<end_of_turn>'],
    ['phi-like', '<|end|>'],
    ['generation', '</s>'],
  ] as const) {
    assert.equal(endOf(template(name)), end, name);
  }
});

test('the beginning of the next turn, a template that is broken or loops, and words are no end of a turn', () => {
  const turns = (text: string): string => `{% for m in messages %}${text}{% endfor %}`;
  assert.equal(endOf(turns('<|{{ m.role }}|>{{ m.content }}')), undefined);
  assert.equal(endOf(turns('{{ m.role }}: {{ m.content }}\n###\n')), undefined);
  assert.equal(endOf(turns('{{ m.content }}{% if loop.last %}</s>{% else %}<|end|>{% endif %}')), undefined);
  assert.equal(endOf(turns('{{ m.content | upper }}</s>')), undefined);
  assert.equal(endOf('{{ messages | fou }}'), undefined);
  const endless = '{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}';
  assert.equal(endOf(`${turns('{{ m.content }}</s>')}${endless}`), undefined);
});

/** A checkpoint whose files name `<|pad|>` and `<|unknown|>` as ends, and whose chat format closes a turn with `<|end|>`. */
async function checkpoint(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  cpSync(fixture('hf/qwen2-tiny'), folder, {recursive: true});
  rmSync(join(folder, 'expected.json'));
  await writeWordTokenizer(folder, vocabulary().slice(0, 40));
  const file = join(folder, 'tokenizer_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({...config, eos_token: '<|pad|>'}));
  return folder;
}

const NOTE = /the chat template ends a turn with “<\|end\|>”, which no file lists as an end; responses end there, too/;

test('the end of a turn is written down at import, with a note, once', async (t) => {
  const from = await checkpoint(t);
  const end = (await openTokenizer(from)).idOf('<|end|>')!;
  const {out, notes} = await runHere(t, importModel, {inputs: {folder: from}});
  assert.match(notes.join('\n'), NOTE);
  const [, , ...more] = (await readGeneration(out('model')))!['eos_token_id'] as number[];
  assert.deepEqual(more, [end]);
  const imported = await openTokenizer(out('model'));
  assert.deepEqual(imported.notes, []);
  assert.ok(imported.endIds.includes(end));
  assert.notEqual(imported.padId, end);
});

const prompt = {id: 'a', from: [], task: 'exact', key: 'a', question: 'left 3', answer: '4'};
const sampling = {template: 'chat', samples: 8, temperature: 1, topP: 1, threads: 1} as const;

test('stages, chat and eval stop at it', async (t) => {
  const model = await checkpoint(t);
  const guarded = await openGuardedTokenizer(model);
  t.after(() => guarded.close());
  const {endIds, idOf} = await openTokenizer(model);
  const end = idOf('<|end|>')!;
  assert.deepEqual(guarded.endIds, endIds);
  assert.ok(endIds.includes(end));

  const told: string[] = [];
  const note = (text: string): void => void told.push(text);
  const drawn = await sampleRows([prompt], {
    ...sampling,
    ...{model, note, maxNewTokens: 100, chunk: 1, cores: 1, key: {seed: 1, purpose: 'test'}, done: () => undefined},
  });
  const samples = drawn.groups.flat();
  assert.ok(samples.some(({tokens: drawnTokens, finished}) => finished && drawnTokens.at(-1) === end));
  for (const {tokens: drawnTokens, completion} of samples) {
    assert.equal(drawnTokens.indexOf(end), drawnTokens.includes(end) ? drawnTokens.length - 1 : -1);
    assert.doesNotMatch(completion.text, /<\|end\|>/);
  }
  const asked = await answerPrompts(model, [prompt], {
    ...sampling,
    ...{seed: 1, maxTokens: 100, note, done: () => undefined},
  });
  for (const one of asked.samples) assert.doesNotMatch(JSON.stringify(one), /<\|end\|>/);
  const chat = await openChat(model, {...sampling, seed: 1, maxTokens: 100, note});
  t.after(() => chat.close());
  for (let turn = 0; turn < 8; turn++) {
    let said = '';
    for await (const piece of chat.reply([{role: 'user', content: 'left 3'}], turn)) said += piece.text;
    assert.doesNotMatch(said, /<\|end\|>/);
  }
  assert.equal(told.filter((text) => NOTE.test(text)).length, 3);
});
