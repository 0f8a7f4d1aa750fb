/** Tokenizer files that are damaged, cut off or at odds with each other: right as in the reference, or told by their field. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../../pipeline/stage.js';
import {renderPrompt} from '../../../stages/text/templates.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {temporaryFolder} from '../../rig/temporary.js';

interface Json {
  readonly added_tokens: readonly object[];
  readonly model: {readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly unknown[]};
}

const fixture = fileURLToPath(new URL('../../../../test/fixtures/tokenizers/parts.json', import.meta.url));
const measured = JSON.parse(readFileSync(fixture, 'utf8')) as Readonly<Record<string, {readonly tokenizer: Json}>>;
const base = measured['byte-level']!.tokenizer;
const {vocab} = base.model;
const size = Object.keys(vocab).length;
const model = (changes: object): string => JSON.stringify({...base, model: {...base.model, ...changes}});
const adding = (changes: object): string =>
  JSON.stringify({...base, added_tokens: [{...base.added_tokens[0], ...changes}]});
const without = <T extends object>(object: T, field: keyof T): Partial<T> =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== field)) as Partial<T>;

type Files = Readonly<Record<string, string>>;
const WHOLE: Files = {
  'tokenizer.json': JSON.stringify(base),
  'tokenizer_config.json': JSON.stringify({
    eos_token: '<|im_end|>',
    chat_template: 'config: {{ messages[-1].content }}',
  }),
};
const open = async (t: TestContext, files: Files) => openTokenizer(temporaryFolder(t, {...WHOLE, ...files}));

/** What tokenizers 0.23.3 does not open either stands first; of the others it makes other ids, or none that are sure. */
const DAMAGED: readonly (readonly [what: string, tokenizer: string, said: RegExp])[] = [
  ['cut off', JSON.stringify(base).slice(0, 2000), /tokenizer\.json is not JSON: /],
  ['empty', '', /tokenizer\.json is not JSON: /],
  ['a list', '[]', /tokenizer\.json does not hold an object/],
  [
    'a pointer',
    'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 7\n',
    /tokenizer\.json is a Git LFS pointer/,
  ],
  ['a page', '<!DOCTYPE html><html></html>', /tokenizer\.json is an HTML page/],
  ['with a byte order mark', `\ufeff${JSON.stringify(base)}`, /tokenizer\.json begins with a byte order mark/],
  ['without a model', JSON.stringify(without(base, 'model')), /tokenizer\.json has no “model”/],
  ['of another version', JSON.stringify({...base, version: '2.0'}), /is of version "2\.0"; 1\.0 is the one/],
  ['with another field', JSON.stringify({...base, extra: 1}), /has a field “extra”, which is not known/],
  ['with a text as id', model({vocab: {...vocab, zz: String(size)}}), /“model\.vocab” has “zz” without an id/],
  ['with half an id', model({vocab: {...vocab, zz: 0.5}}), /“model\.vocab” has “zz” without an id/],
  ['with an id below 0', model({vocab: {...vocab, zz: -1}}), /“model\.vocab” has “zz” without an id/],
  [
    'without merges',
    JSON.stringify({...base, model: without(base.model, 'merges')}),
    /“model\.merges” should be a list/,
  ],
  ['with a merge of one', model({merges: ['ab']}), /the merge “ab”/],
  ['with a merge of three', model({merges: ['a b c']}), /the merge “a b c”/],
  [
    'with a merge of no token',
    model({merges: [['q', 'zzz']]}),
    /the merge “q zzz” of which “zzz” is not in the vocabulary/,
  ],
  ['with a token without a flag', adding({lstrip: undefined}), /“added_tokens\[0\]\.lstrip” should be true or false/],
  ['with a token that is odd', adding({special: 'yes'}), /“added_tokens\[0\]\.special” should be true or false/],
  ['with no list of tokens', JSON.stringify({...base, added_tokens: 5}), /“added_tokens” should be a list/],
  [
    'with a key twice',
    JSON.stringify(base).replace('"q":', '"q":1,"q":'),
    /tokenizer\.json says “q” twice in one object/,
  ],

  [
    'with a hole below the added tokens',
    model({vocab: {...vocab, zz: size + 5}}),
    /“<\|im_end\|>” with the id \d+, where \d+ comes/,
  ],
  ['with an id twice', model({vocab: {...vocab, zz: vocab['q']}}), /gives the id \d+ to “q” and to “zz”/],
  ['with no vocabulary', model({vocab: {}, merges: []}), /“model\.vocab” is empty/],
  ['with an id in use', adding({id: vocab['q']}), /“<\|im_end\|>” with the id \d+, where \d+ comes next/],
  [
    'with one id for two tokens',
    JSON.stringify({...base, added_tokens: [base.added_tokens[0], {...base.added_tokens[0], content: '<b>'}]}),
    /“<b>” with the id \d+, where \d+ comes next/,
  ],
];

test('a tokenizer.json that is damaged is told by its field', async (t) => {
  for (const [what, tokenizer, said] of DAMAGED) {
    await assert.rejects(open(t, {'tokenizer.json': tokenizer}), (error: Error) => {
      assert.ok(error instanceof StageFailure, `${what}: ${String(error)}`);
      assert.match(error.message, said, what);
      return true;
    });
  }
});

test('what the reference passes over is passed over', async (t) => {
  const plain = await open(t, {});
  const text = 'the x word <|im_end|> é';
  for (const tokenizer of [
    model({merges: [...base.model.merges, base.model.merges[0]]}),
    JSON.stringify({...base, added_tokens: [...base.added_tokens, base.added_tokens[0]]}),
    model({unk_token: '<none>'}),
    JSON.stringify({...base, truncation: {max_length: 3}, padding: {}}),
  ]) {
    const other = await open(t, {'tokenizer.json': tokenizer});
    assert.deepEqual(other.encode(text), plain.encode(text));
  }
});

test('a tokenizer_config.json that disagrees with tokenizer.json is told', async (t) => {
  const flags = {single_word: false, lstrip: false, rstrip: false, normalized: false, special: true};
  for (const [config, said] of [
    [{eos_token: '</s>'}, /names <\/s> as eos_token, but .*tokenizer\.json lacks it/],
    [{eos_token: '<|im_end|>', bos_token: '<s>'}, /names <s> as bos_token, but .*tokenizer\.json lacks it/],
    [
      {eos_token: '<|im_end|>', added_tokens_decoder: {3: {content: '<|im_end|>', ...flags}}},
      /“<\|im_end\|>” with the id 3/,
    ],
    [{eos_token: '<|im_end|>', added_tokens_decoder: {900: {content: '<new>', ...flags}}}, /“<new>” with the id 900/],
    [{}, /names no eos_token/],
  ] as const) {
    await assert.rejects(open(t, {'tokenizer_config.json': JSON.stringify(config)}), said);
  }
  const pointer = {'tokenizer_config.json': 'version https://git-lfs.github.com/spec/v1\n'};
  await assert.rejects(open(t, pointer), /tokenizer_config\.json is a Git LFS pointer/);
});

test('which chat template counts is as in transformers', async (t) => {
  const named = (...names: string[]): string =>
    JSON.stringify({
      eos_token: '<|im_end|>',
      chat_template: names.map((name) => ({name, template: `${name}: {{ messages[-1].content }}`})),
    });
  const file = {'chat_template.jinja': 'file: {{ messages[-1].content }}'};
  for (const [files, text] of [
    [{}, 'config: q'],
    [file, 'file: q'],
    [{...file, 'additional_chat_templates/tool_use.jinja': 'tools'}, 'file: q'],
    [{'tokenizer_config.json': named('tool_use', 'default')}, 'default: q'],
    [{'tokenizer_config.json': named('tool_use'), ...file}, 'file: q'],
  ] as const) {
    assert.equal(renderPrompt(await open(t, files), 'chat', 'q'), text);
  }
  for (const [files, said] of [
    [
      {'tokenizer_config.json': named('tool_use', 'rag')},
      /has chat templates called tool_use, rag, and none called default/,
    ],
    [
      {'additional_chat_templates/tool_use.jinja': 'tools'},
      /additional_chat_templates holds tool_use\.jinja, and there is no/,
    ],
    [{'chat_template.jinja': ''}, /chat_template\.jinja leaves the question out/],
    [
      {'tokenizer_config.json': '{"eos_token": "<|im_end|>", "chat_template": null}'},
      /this tokenizer has no chat template/,
    ],
  ] as const) {
    const tokenizer = await open(t, files);
    assert.throws(() => renderPrompt(tokenizer, 'chat', 'q'), said);
  }
  const odd = '{"eos_token": "<|im_end|>", "chat_template": [{"name": "default"}]}';
  await assert.rejects(open(t, {'tokenizer_config.json': odd}), /“chat_template\[0\]” should be an object with a name/);
});
