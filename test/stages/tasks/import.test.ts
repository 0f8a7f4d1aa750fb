import assert from 'node:assert/strict';
import test from 'node:test';

import {StageFailure} from '../../../pipeline/stage.js';
import {importPrompts} from '../../../stages/tasks/import.js';

const row = (fields: object): string => JSON.stringify(fields);

test('rows become prompts, with numbers told from other answers', () => {
  const file = [
    row({question: 'How many?', answer: '1,234 apples', language: 'en', id: 'first'}),
    '',
    row({question: '多少?', answer: 7, language: 'zh'}),
    row({question: 'Which?', answer: 'x^2 + 1'}),
    row({question: 'Worked?', answer: '3 + 4 = <<3+4=7>>7\n#### 7'}),
  ].join('\n');
  const prompts = importPrompts(file, 'file.jsonl');
  assert.deepEqual(
    prompts.map(({task, answer, language}) => [task, answer, language]),
    [
      ['integer', '1,234 apples', 'en'],
      ['integer', '7', 'zh'],
      ['exact', 'x^2 + 1', undefined],
      ['integer', '7', undefined],
    ],
  );
  assert.equal(prompts[0]!.id, 'first');
  assert.ok(!('language' in prompts[2]!));
});

test('the same question has the same key, whatever its case and spacing', () => {
  const [a, b] = importPrompts(
    `${row({question: 'How  many?', answer: '1'})}\n${row({question: 'how many? ', answer: '1'})}`,
    'file.jsonl',
  );
  assert.equal(a!.key, b!.key);
  assert.notEqual(a!.id, b!.id);
});

const broken: Record<string, [line: string, message: RegExp]> = {
  'that is not JSON': ['{', /^file\.jsonl:1 is not JSON/],
  'that is no object': ['[]', /^file\.jsonl:1 is not an object/],
  'without a question': [row({answer: '1'}), /^file\.jsonl:1: “question” must be a text/],
  'without an answer': [row({question: 'q'}), /^file\.jsonl:1: “answer” must be a text/],
  'with an unknown language': [
    row({question: 'q', answer: '1', language: 'fr'}),
    /“language” is "fr", it can be en or zh/,
  ],
  'whose answer is only punctuation': [row({question: 'q', answer: '.'}), /“answer” is empty/],
};
for (const [how, [line, message]] of Object.entries(broken)) {
  test(`a row ${how} is refused with its line`, () => {
    assert.throws(
      () => importPrompts(line, 'file.jsonl'),
      (error: Error) => error instanceof StageFailure && message.test(error.message),
    );
  });
}

test('an id cannot be used twice, and an empty file has no questions', () => {
  const twice = `${row({id: 'a', question: 'q', answer: '1'})}\n${row({id: 'a', question: 'r', answer: '1'})}`;
  assert.throws(() => importPrompts(twice, 'f'), /^StageFailure: f:2: the id “a” was used in line 1$/);
  assert.throws(() => importPrompts('\n', 'f'), /f holds no questions/);
});
