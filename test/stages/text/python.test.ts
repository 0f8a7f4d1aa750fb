/**
 * The word tokenizer means the same to Python's `tokenizers`. Runs only where that package is at hand:
 *
 *     pip install tokenizers && R1_TEST_PYTHON=python3 npm test
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'node:test';

import {corpus} from '../../../stages/tasks/documents.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';

const python = process.env['R1_TEST_PYTHON'];

test(
  'Python reads the same ids and the same text',
  {skip: python === undefined && 'R1_TEST_PYTHON is not set'},
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'r1-tokenizer-'));
    try {
      await writeWordTokenizer(folder, vocabulary());
      const tokenizer = await openTokenizer(folder);
      const texts = [...corpus({seed: 2, count: 2000})].map(({prompt, response}) => `${prompt} ${response}`.trim());
      texts.push(
        'Left 3, right 5. 左3进2得5。等等，你好！',
        '<think>zebra</think><|end|>',
        'a\n b\t\tc “quoted” é 42 孩子们',
      );
      const lines = texts.map((text) => {
        const ids = tokenizer.encode(text);
        return JSON.stringify({text, ids, decoded: tokenizer.decode(ids)});
      });
      const script = join(import.meta.dirname, '../../../../test/stages/text/check_tokenizer.py');
      const {status, stdout, stderr} = spawnSync(python!, [script, folder], {
        input: lines.join('\n'),
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      assert.equal(stdout.trim(), String(texts.length));
    } finally {
      await rm(folder, {recursive: true});
    }
  },
);
