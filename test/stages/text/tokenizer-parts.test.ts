/**
 * Every part that a tokenizer.json may have here means what it means to Hugging Face's own library, on texts that are hard on
 * it; others are refused by name. The texts of the fixture are few; with Python at hand there are more:
 *
 *     pip install tokenizers==0.23.3 && R1_TEST_PYTHON=python3 npm test -- tokenizer-parts
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {temporaryFolder} from '../../rig/temporary.js';

interface Row {
  readonly text: string;
  readonly ids: number[];
  readonly decoded: string;
  readonly plain: string;
  readonly asText: number[];
  readonly drawn: number[];
  readonly drawnDecoded: string;
}
interface Json {
  readonly added_tokens: readonly object[];
  readonly model: {readonly vocab: Readonly<Record<string, number>>};
}
type Measured = Readonly<Record<string, {readonly tokenizer: Json; readonly rows: readonly Row[]}>>;

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../../test/fixtures/tokenizers/${name}`, import.meta.url));
const measured = JSON.parse(readFileSync(fixture('parts.json'), 'utf8')) as Measured;
const python = process.env['R1_TEST_PYTHON'];

const open = async (t: TestContext, tokenizer: object, config: object = {eos_token: '<|im_end|>'}) =>
  openTokenizer(
    temporaryFolder(t, {
      'tokenizer.json': JSON.stringify(tokenizer),
      'tokenizer_config.json': JSON.stringify(config),
    }),
  );

async function compare(t: TestContext, all: Measured): Promise<number> {
  let compared = 0;
  for (const [name, {tokenizer: json, rows}] of Object.entries(all)) {
    const tokenizer = await open(t, json);
    for (const {text, ids, decoded, plain, asText, drawn, drawnDecoded} of rows) {
      const where = `${name}: ${JSON.stringify(text)}`;
      assert.deepEqual(tokenizer.encode(text), ids, where);
      assert.equal(tokenizer.decode(ids), decoded, where);
      assert.equal(tokenizer.decode(ids, {skipSpecial: true}), plain, where);
      assert.deepEqual(tokenizer.encode(tokenizer.asText(text)), asText, `${where}, special tokens as text`);
      assert.equal(tokenizer.decode(drawn), drawnDecoded, `${name}: ${drawn.join()}`);
      compared++;
    }
  }
  return compared;
}

test('every part means what it means to the reference', async (t) => {
  assert.ok((await compare(t, measured)) >= 250);
});

test(
  'every part means the same on hundreds of other texts',
  {skip: python === undefined && 'R1_TEST_PYTHON is not set'},
  async (t) => {
    const {status, stdout, stderr} = spawnSync(python!, [fixture('parts.py'), '7', '400'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    });
    assert.equal(status, 0, stderr);
    assert.ok((await compare(t, JSON.parse(stdout) as Measured)) >= 12_000);
  },
);

const base = measured['byte-level']!.tokenizer as Json & Record<string, object>;
const bpe = (options: object): object => ({...base, model: {...base.model, ...options}});

const REFUSED: readonly (readonly [tokenizer: object, said: RegExp])[] = [
  [{...base, normalizer: {type: 'BertNormalizer'}}, /has normalizer “BertNormalizer” which is not computed here/],
  [{...base, normalizer: {type: 'Precompiled', precompiled_charsmap: ''}}, /normalizer “Precompiled”/],
  [{...base, pre_tokenizer: {type: 'BertPreTokenizer'}}, /pre_tokenizer “BertPreTokenizer”/],
  [
    {...base, pre_tokenizer: {type: 'Split', pattern: {String: ' '}, behavior: 'MergedWithNext', invert: false}},
    /“Split” with behavior “MergedWithNext”/,
  ],
  [
    {...base, pre_tokenizer: {type: 'Punctuation', behavior: 'MergedWithPrevious'}},
    /“Punctuation” with behavior “MergedWithPrevious”/,
  ],
  [{...base, decoder: {type: 'WordPiece', prefix: '##', cleanup: true}}, /decoder “WordPiece”/],
  [{...base, post_processor: {type: 'Other'}}, /post_processor “Other”/],
  [{...base, model: {type: 'Unigram', vocab: [['a', 0]], unk_id: 0}}, /model “Unigram”/],
  [{...base, model: {type: 'WordPiece', vocab: {a: 0}, unk_token: 'a'}}, /model “WordPiece”/],
  [bpe({dropout: 0.1}), /a dropout of 0\.1/],
  [bpe({continuing_subword_prefix: '##'}), /continuing_subword_prefix “##”/],
  [bpe({end_of_word_suffix: '</w>'}), /end_of_word_suffix “<\/w>”/],
  [bpe({merges: [['t', 'hex']]}), /the merge “t hex” of which “hex” is not in the vocabulary/],
  [
    {...base, added_tokens: [{...base.added_tokens[0], id: 999}]},
    /added token “<\|im_end\|>” with the id 999, where \d+ comes next/,
  ],
];

test('what is not computed as the reference does is refused by its name', async (t) => {
  for (const [tokenizer, said] of REFUSED) {
    await assert.rejects(open(t, tokenizer), (error: Error) => {
      assert.equal(error.name, 'StageFailure');
      assert.match(error.message, said);
      assert.match(error.message, /tokenizer\.json has /);
      return true;
    });
  }
});

test('a token with a role is a special token, and flags of the config count, as in transformers', async (t) => {
  const {vocab} = base.model;
  const tokens = base.added_tokens.filter((token) => (token as {content: string}).content === '<|im_end|>');
  const one = await open(t, {...base, added_tokens: tokens}, {eos_token: 'the'});
  assert.deepEqual(one.encode('xthex'), [vocab['x'], vocab['the'], vocab['x']]);
  assert.equal(one.eosId, vocab['the']);
  const flags = {
    content: '<|im_end|>',
    lstrip: true,
    rstrip: false,
    single_word: false,
    normalized: false,
    special: true,
  };
  const config = {eos_token: '<|im_end|>', added_tokens_decoder: {[one.idOf('<|im_end|>')!]: flags}};
  const other = await open(t, {...base, added_tokens: tokens}, config);
  assert.equal(other.decode(other.encode('x  <|im_end|>')), 'x<|im_end|>');
  await assert.rejects(open(t, base, {eos_token: '</s>'}), /names <\/s> as eos_token, but .*tokenizer\.json lacks it/);
  await assert.rejects(
    open(t, base, {eos_token: '<|im_end|>', additional_special_tokens: ['<|tool|>']}),
    /has <\|tool\|> among its additional_special_tokens, but/,
  );
});
