import assert from 'node:assert/strict';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {after, before} from 'node:test';

import {StageFailure} from '../../../pipeline/stage.js';
import {corpus} from '../../../stages/tasks/documents.js';
import {poorResponse, goodResponse, phrasings, writeResponse} from '../../../stages/tasks/general.js';
import {BUILT_IN_LANGUAGES} from '../../../stages/text/language.js';
import {FAMILIES} from '../../../stages/tasks/scenario.js';
import {random} from '../../../stages/random.js';
import {encodePrompt, plainPrompt, renderChat, renderPrompt} from '../../../stages/text/templates.js';
import {openTokenizer, type Tokenizer} from '../../../stages/text/tokenizer.js';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';

let folder: string;
let tokenizer: Tokenizer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'r1-tokenizer-'));
  await writeWordTokenizer(folder, vocabulary());
  tokenizer = await openTokenizer(folder);
});
after(() => rm(folder, {recursive: true}));

test('the vocabulary fits into 256 ids, and padding is not the end', () => {
  assert.ok(tokenizer.size <= 256, `${tokenizer.size}`);
  assert.notEqual(tokenizer.padId, tokenizer.eosId);
  assert.equal(tokenizer.decode([tokenizer.eosId]), '<|end|>');
  assert.equal(tokenizer.decode([tokenizer.eosId], {skipSpecial: true}), '');
});

test('every line of the corpus comes back from its ids, one word one token', () => {
  for (const {prompt, response} of corpus({seed: 11, count: 2000})) {
    const text = `${prompt} ${response}`.trim();
    const ids = tokenizer.encode(text);
    assert.equal(tokenizer.decode(ids), text);
    assert.equal(ids.length, text.split(' ').length);
  }
});

test('every phrasing and response of every scenario is made of known words', () => {
  const unknown = tokenizer.idOf('<|unknown|>')!;
  for (const {key, scenarios} of FAMILIES) {
    for (const scenario of scenarios) {
      for (const language of BUILT_IN_LANGUAGES) {
        const poor = Array.from({length: 4}, (_, n) => poorResponse(scenario, language, random(n, key)));
        const texts = [
          ...phrasings(scenario, language),
          ...[goodResponse(scenario, language), ...poor].map(writeResponse),
        ];
        for (const text of texts) assert.ok(!tokenizer.encode(text).includes(unknown), text);
      }
    }
  }
});

test('text without spaces and with capitals is cut into the same tokens', () => {
  assert.deepEqual(tokenizer.encode('Left 3, right 5.'), tokenizer.encode('left 3 , right 5 .'));
  assert.deepEqual(
    tokenizer.encode('左3进2得5。等等，左3进2得5。'),
    tokenizer.encode('左 3 进 2 得 5 。 等等 ， 左 3 进 2 得 5 。'),
  );
  assert.deepEqual(tokenizer.encode('<think>left</think>'), tokenizer.encode('<think> left </think>'));
  assert.equal(tokenizer.decode(tokenizer.encode('left zebra')), 'left <|unknown|>');
});

test('tags are single tokens that a decoder keeps', () => {
  for (const tag of ['<think>', '</think>', '<answer>', '</answer>']) {
    assert.deepEqual(tokenizer.encode(tag), [tokenizer.idOf(tag)]);
    assert.equal(tokenizer.decode([tokenizer.idOf(tag)!], {skipSpecial: true}), tag);
  }
});

test('the chat format opens the turn of the assistant and pre-fills nothing', () => {
  assert.equal(renderPrompt(tokenizer, 'chat', 'now ?'), '<|user|> now ? <|assistant|>');
  assert.equal(plainPrompt('chat', 'now ?'), '<|user|> now ? <|assistant|>');
  const conversation = renderChat(tokenizer, [
    {role: 'user', content: 'hello'},
    {role: 'assistant', content: '<answer> hello </answer>'},
    {role: 'user', content: 'bye'},
  ]);
  assert.equal(
    conversation,
    '<|user|> hello <|assistant|> <answer> hello </answer> <|end|> <|user|> bye <|assistant|>',
  );
  assert.equal(tokenizer.decode(tokenizer.encode(conversation)), conversation);
  const prefilling = {...tokenizer, chatTemplate: "{{ messages[-1]['content'] }}<assistant><think>\n"};
  assert.equal(renderPrompt(prefilling, 'chat', 'now ?'), 'now ?<assistant>');
});

test('the Zero template frames the question, and the short one is 17 tokens', () => {
  assert.match(
    renderPrompt(tokenizer, 'zero', 'How many?'),
    /^A conversation between .* User: How many\?\. Assistant:$/,
  );
  const ids = encodePrompt(tokenizer, 'tiny-zero', 'now ?');
  assert.equal(ids.length, 17 + 2);
  assert.ok(!ids.includes(tokenizer.idOf('<|unknown|>')!));
});

test('a question that looks like a replacement pattern is taken as it is', () => {
  assert.ok(plainPrompt('zero', "cost $& and $'").includes("User: cost $& and $'. Assistant:"));
});

test('a broken or missing tokenizer is refused with the name of the file', async () => {
  await assert.rejects(openTokenizer(join(folder, 'nowhere')), (error: Error) => {
    assert.ok(error instanceof StageFailure);
    assert.match(error.message, /nowhere.tokenizer\.json is missing/);
    return true;
  });
  const broken = await mkdtemp(join(tmpdir(), 'r1-tokenizer-'));
  try {
    await writeFile(join(broken, 'tokenizer.json'), '{');
    await writeFile(join(broken, 'tokenizer_config.json'), '{}');
    await assert.rejects(openTokenizer(broken), /tokenizer\.json is not JSON/);
    await writeFile(join(broken, 'tokenizer.json'), await readFile(join(folder, 'tokenizer.json')));
    await assert.rejects(openTokenizer(broken), /names no eos_token/);
    await writeWordTokenizer(broken, vocabulary());
    await writeFile(join(broken, 'config.json'), '{"vocab_size": 97}');
    await assert.rejects(openTokenizer(broken), /has ids up to \d+, but the model beside it has a vocabulary of 97/);
    await writeFile(join(broken, 'config.json'), JSON.stringify({vocab_size: tokenizer.size}));
    assert.equal((await openTokenizer(broken)).size, tokenizer.size);
  } finally {
    await rm(broken, {recursive: true});
  }
});

test('the chat template is missed with a sentence', () => {
  assert.throws(() => renderPrompt({...tokenizer, chatTemplate: undefined}, 'chat', 'now ?'), /no chat template; use/);
});

test('special tokens written as objects and templates in a list are understood', async () => {
  const older = await mkdtemp(join(tmpdir(), 'r1-tokenizer-'));
  try {
    await writeFile(join(older, 'tokenizer.json'), await readFile(join(folder, 'tokenizer.json')));
    const config = {
      eos_token: {content: '<|end|>', lstrip: false},
      pad_token: '<|end|>', // Models that pad with EOS exist; the unknown token then pads.
      unk_token: {content: '<|unknown|>'},
      chat_template: [
        {name: 'tool_use', template: 'no'},
        {name: 'default', template: 'yes: {{ messages[-1].content }}'},
      ],
    };
    await writeFile(join(older, 'tokenizer_config.json'), JSON.stringify(config));
    const opened = await openTokenizer(older);
    assert.equal(opened.eosId, tokenizer.eosId);
    assert.equal(opened.padId, tokenizer.idOf('<|unknown|>'));
    assert.equal(renderPrompt(opened, 'chat', 'now ?'), 'yes: now ?');
  } finally {
    await rm(older, {recursive: true});
  }
});
