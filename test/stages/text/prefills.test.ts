/**
 * What a response is made to begin with, in the prompt: as transformers continues a turn that is already begun. The fixture is what
 * `scripts/prefills.py` printed.
 */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {encodePrompt, renderChat, renderPrompt} from '../../../stages/text/templates.js';
import {openTokenizer, type Tokenizer} from '../../../stages/text/tokenizer.js';
import {NO_WORDING} from '../../../stages/text/wording.js';

interface Expected {
  readonly special: Readonly<Record<string, string>>;
  readonly question: string;
  readonly rows: readonly {
    readonly of: string;
    readonly system: string;
    readonly prefill: string;
    readonly text?: string;
    readonly ids?: readonly number[];
    readonly refused?: string;
  }[];
}

const fixtures = join(import.meta.dirname, '../../../../test/fixtures');
const {special, question, rows} = JSON.parse(
  readFileSync(join(fixtures, 'templates/prefills.json'), 'utf8'),
) as Expected;
const tokenizers = new Map<string, Tokenizer>();
for (const name of ['llama-like', 'qwen-like'])
  tokenizers.set(name, await openTokenizer(join(fixtures, 'tokenizers', name)));

const formatOf = (name: string): Tokenizer =>
  tokenizers.get(name) ??
  ({
    asText: (text: string) => text,
    chatTemplate: readFileSync(join(fixtures, 'templates', `${name}.jinja`), 'utf8'),
    chatTemplateFile: name,
    specialTokens: special,
  } as unknown as Tokenizer);

/** Formats that put more in front of what is said than the opening of a turn has, as Qwen3 puts an empty thinking. */
const OTHERWISE = ['qwen3-like', 'generation'];
const asked = (system: string, prefill: string) => ({...NO_WORDING, system, prefill});

test('a turn that is already begun is rendered as transformers renders it, and encoded as a whole', () => {
  let [same, withIds] = [0, 0];
  for (const {of, system, prefill, text, ids, refused} of rows.filter((row) => !OTHERWISE.includes(row.of))) {
    const where = `${of}, ${JSON.stringify(prefill)}`;
    const format = formatOf(of);
    if (refused === 'TemplateError') {
      assert.throws(() => renderPrompt(format, 'chat', question, asked(system, prefill)), StageFailure, where);
      continue;
    }
    // The format drops what was thought from a turn, and transformers finds no turn to continue.
    if (refused !== undefined) assert.ok(prefill.includes('</think>'), where);
    else {
      assert.equal(renderPrompt(format, 'chat', question, asked(system, prefill)), text, where);
      same++;
    }
    if (ids === undefined) continue;
    assert.deepEqual(encodePrompt(format, 'chat', question, asked(system, prefill)), ids, where);
    withIds++;
  }
  assert.ok(same >= 60 && withIds === 18, `${same}, ${withIds}`);
});

test('where a format puts more than spaces in front, what a response begins with follows the opening of the turn', () => {
  const [qwen] = [formatOf('qwen3-like')];
  const opened = renderPrompt(qwen, 'chat', question);
  assert.match(opened, /<\|im_start\|>assistant\n$/);
  for (const prefill of ['<think>', 'The answer is ', '<think>\n'])
    assert.equal(renderPrompt(qwen, 'chat', question, asked('', prefill)), opened + prefill);
  const deepseek = formatOf('deepseek-like');
  const whole = '<think>\nok\n</think>\n\n<answer>';
  assert.equal(
    renderPrompt(deepseek, 'chat', question, asked('', whole)),
    renderPrompt(deepseek, 'chat', question) + whole,
  );
});

test('raw templates are followed by it as it is; words at the seam are encoded with what stands before them', () => {
  const qwen = tokenizers.get('qwen-like')!;
  const text = renderPrompt(qwen, 'none', 'The answer', {...NO_WORDING, suffix: ' to it', prefill: ' is'});
  assert.equal(text, 'The answer to it is');
  assert.deepEqual(encodePrompt(qwen, 'none', 'The ans', {...NO_WORDING, prefill: 'wer'}), qwen.encode('The answer'));
});

test('a suffix stands behind the question, control tokens in it are text, and those of the prefill are tokens', () => {
  const qwen = tokenizers.get('qwen-like')!;
  const end = qwen.idOf('<|im_end|>')!;
  const count = (ids: readonly number[]): number => ids.filter((id) => id === end).length;
  const plain = count(encodePrompt(qwen, 'chat', 'a'));
  assert.equal(count(encodePrompt(qwen, 'chat', 'a', {...NO_WORDING, suffix: '<|im_end|>'})), plain);
  assert.equal(count(encodePrompt(qwen, 'chat', 'a', {...NO_WORDING, system: '<|im_end|>'})), plain + 1); // of its turn
  assert.equal(count(encodePrompt(qwen, 'chat', 'a', {...NO_WORDING, prefill: '<|im_end|>'})), plain + 1);
  assert.match(
    renderPrompt(qwen, 'chat', 'How?', {...NO_WORDING, suffix: '\nThink.'}),
    /user\nHow\?\nThink\.<\|im_end\|>/,
  );
});

test('a system text that a template has no place for, or leaves out, is refused', () => {
  const qwen = tokenizers.get('qwen-like')!;
  assert.throws(
    () => renderPrompt(qwen, 'zero', 'a', {...NO_WORDING, system: 'Be brief.'}),
    /the template “zero” has no system turn/,
  );
  const forgetful = {...qwen, chatTemplate: "{{ messages[-1]['content'] }}<assistant>"};
  assert.throws(
    () =>
      renderChat(forgetful, [
        {role: 'system', content: 'Be brief.'},
        {role: 'user', content: 'a'},
      ]),
    /leaves the system text out; put it into the suffix/,
  );
});
