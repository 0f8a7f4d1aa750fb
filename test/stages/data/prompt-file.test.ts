/** Files of questions from outside, as prompts: which bytes, formats and fields are read, and what is refused with its place. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import test from 'node:test';
import type {TestContext} from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {readPromptFile} from '../../../stages/data/import/index.js';
import type {PromptOptions} from '../../../stages/data/import/index.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {temporaryFolder} from '../../rig/temporary.js';

const row = (fields: object): string => JSON.stringify(fields);

async function promptsIn(t: TestContext, content: string, options: PromptOptions = {}): Promise<Prompt[]> {
  const file = join(temporaryFolder(t, {file: content}), 'file');
  return (await readPromptFile(file, 'file.jsonl', options)).prompts;
}

async function refused(t: TestContext, content: string, said: RegExp, options: PromptOptions = {}): Promise<void> {
  await assert.rejects(promptsIn(t, content, options), (error: unknown) => {
    assert.ok(error instanceof StageFailure, String(error));
    assert.match(error.message, said);
    return true;
  });
}

test('rows become prompts, with numbers told from other answers', async (t) => {
  const file = [
    row({question: 'How many?', answer: '1,234 apples', language: 'en', id: 'first'}),
    '',
    row({question: '多少?', answer: 7, language: 'zh'}),
    row({question: 'Which?', answer: 'x^2 + 1'}),
    row({question: 'Worked?', answer: '3 + 4 = <<3+4=7>>7\n#### 7'}),
  ].join('\n');
  const prompts = await promptsIn(t, file);
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

test('the same question has the same key in any spelling', async (t) => {
  const [a, b] = await promptsIn(
    t,
    `${row({question: 'How  many?', answer: '1'})}\n${row({question: 'how many ? ', answer: '1'})}`,
  );
  assert.equal(a!.key, b!.key);
  assert.notEqual(a!.id, b!.id);
});

const broken: Record<string, [line: string, message: RegExp]> = {
  'that is not JSON': ['{', /^file\.jsonl:1 is not JSON/],
  'that is no record': [
    `${row({question: 'q', answer: '1'})}\n[]`,
    /^file\.jsonl:2 is a list of 0, not a record with fields$/,
  ],
  'without a question': [
    row({answer: '1', text: 'q'}),
    /^file\.jsonl:1 has no question: none of question, problem, .* holds one; its fields are answer, text; say which is the question: columns: \{question: '…'\}$/,
  ],
  'without an answer': [
    row({question: 'q', meta: {level: 1}}),
    /^file\.jsonl:1 has no answer: .* its fields are question, meta\.level; /,
  ],
  'with an unknown language': [
    row({question: 'q', answer: '1', language: 'tlh'}),
    /^file\.jsonl:1: “language” is "tlh", it can be one of en, zh, [a-z, ]+; columns: \{language: ''\} leaves the field alone$/,
  ],
  'whose answer is only punctuation': [row({question: 'q', answer: '.'}), /^file\.jsonl:1: “answer” is empty/],
  'whose question is no text': [
    row({question: 5, answer: '.'}),
    /^file\.jsonl:1: “question” must be a text, and is the number 5$/,
  ],
};
for (const [how, [line, message]] of Object.entries(broken)) {
  test(`a row ${how} is refused with its line`, async (t) => refused(t, line, message));
}

test('an id cannot be used twice, and an empty file has no questions', async (t) => {
  const twice = `${row({id: 'a', question: 'q', answer: '1'})}\n${row({id: 'a', question: 'r', answer: '1'})}`;
  await refused(t, twice, /^file\.jsonl:2: the id “a” was used at file\.jsonl:1; .* columns: \{id: '', group: 'id'\}$/);
  await refused(t, '\n', /^file\.jsonl holds no questions$/);
  await refused(t, '', /^file\.jsonl is empty$/);
});
