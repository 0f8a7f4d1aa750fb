/** Templates and patterns that do not come to an end, in a thread that is ended. */
import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {openGuardedTokenizer} from '../../../stages/text/guarded-tokenizer.js';
import type {GuardOptions} from '../../../stages/text/guarded-tokenizer.js';
import {encodePrompt} from '../../../stages/text/templates.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** Longer than anybody waits. */
const ENDLESS =
  '{{ messages[0].content }}{% for a in range(90000) %}{% for b in range(90000) %}{% for c in range(90000) %}{% endfor %}{% endfor %}{% endfor %}';
const BACKTRACKING = {type: 'Split', pattern: {Regex: '(a+)+$'}, behavior: 'Isolated', invert: false};

interface Changes {
  readonly template?: string;
  readonly pattern?: object;
}

async function folderWith(t: TestContext, {template, pattern}: Changes = {}): Promise<string> {
  const folder = temporaryFolder(t);
  await writeWordTokenizer(folder, vocabulary());
  const change = (name: string, changes: object) => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify({...(JSON.parse(readFileSync(file, 'utf8')) as object), ...changes}));
  };
  if (template !== undefined) change('tokenizer_config.json', {chat_template: template});
  if (pattern !== undefined) change('tokenizer.json', {pre_tokenizer: pattern});
  return folder;
}

async function open(t: TestContext, folder: string, options: GuardOptions = {}) {
  const tokenizer = await openGuardedTokenizer(folder, options);
  t.after(() => tokenizer.close());
  return tokenizer;
}

const asked = (content: string) => [{role: 'user', content}] as const;
const endlessPattern = `${'a'.repeat(60)}!`;

test('it gives what the tokenizer in this process gives', async (t) => {
  const folder = await folderWith(t);
  const own = await openTokenizer(folder);
  const tokenizer = await open(t, folder);
  assert.deepEqual([tokenizer.eosId, tokenizer.padId], [own.eosId, own.padId]);
  for (const template of ['chat', 'none', 'zero', 'tiny-zero'] as const) {
    const ids = await tokenizer.encodePrompt(template, asked('left 3 , right 5 .'));
    assert.deepEqual(ids, encodePrompt(own, template, 'left 3 , right 5 .'));
    assert.equal(await tokenizer.decode(ids), own.decode(ids));
  }
});

test('a template that loops is ended after its time, with a sentence that names the file; the next one is served', async (t) => {
  const folder = await folderWith(t, {template: ENDLESS});
  const tokenizer = await open(t, folder, {limitMs: 200});
  await assert.rejects(tokenizer.encodePrompt('chat', asked('hello')), (error: unknown) => {
    assert.ok(error instanceof StageFailure);
    assert.match(
      error.message,
      /^the chat template of .*tokenizer_config\.json did not come to an end in 0\.2 s: .*--template none/,
    );
    return true;
  });
  assert.ok((await tokenizer.encodePrompt('none', asked('left'))).length > 0);
});

test('a pattern that backtracks is ended after its time, with a sentence that names the file', async (t) => {
  const folder = await folderWith(t, {pattern: BACKTRACKING});
  const tokenizer = await open(t, folder, {limitMs: 200});
  await assert.rejects(
    tokenizer.encodePrompt('none', asked(endlessPattern)),
    /tokenizer\.json did not come to an end in 0\.2 s of encoding one text: one of its patterns may backtrack/,
  );
});

test('either is ended at once by a signal, with the signal’s reason', async (t) => {
  for (const [changes, template, text] of [
    [{template: ENDLESS}, 'chat', 'hello'],
    [{pattern: BACKTRACKING}, 'none', endlessPattern],
  ] as const) {
    const folder = await folderWith(t, changes);
    const stop = new AbortController();
    const tokenizer = await open(t, folder, {signal: stop.signal, limitMs: 3_600_000});
    const encoding = tokenizer.encodePrompt(template, asked(text));
    setImmediate(() => stop.abort());
    await assert.rejects(encoding, (error) => error === stop.signal.reason);
    await assert.rejects(tokenizer.encodePrompt('none', asked('left')), (error) => error === stop.signal.reason);
  }
});

test('what is wrong with the files is told as in this process, and does not end the thread', async (t) => {
  const folder = await folderWith(t, {template: '{{ messages | fou }}'});
  const tokenizer = await open(t, folder);
  await assert.rejects(tokenizer.encodePrompt('chat', asked('x')), (error: unknown) => {
    assert.ok(error instanceof StageFailure);
    assert.match(error.message, /tokenizer_config\.json: unknown filter “fou” for a list \(line 1\)$/);
    return true;
  });
  assert.ok((await tokenizer.encodePrompt('none', asked('left'))).length > 0);
  await assert.rejects(openGuardedTokenizer(temporaryFolder(t)), /tokenizer\.json is missing$/);
});
