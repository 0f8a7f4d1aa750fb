/** Programming problems in the shapes that data sets have them in. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {codeRowOf} from '../../../stages/data/import/code-rows.js';
import {readPromptFile} from '../../../stages/data/import/index.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {problems} from '../graders/code/problems.js';

const errorOf = (row: Record<string, unknown>): string => {
  const found = codeRowOf(row);
  assert.ok(found !== undefined && 'error' in found, JSON.stringify(found));
  return found.error;
};

test('rows like HumanEval’s ask for the whole function, and their prompt stands before the tests', () => {
  const {prompt, entry_point, canonical_solution, test: code} = problems[0]!;
  const row = codeRowOf({task_id: 'Own/0', prompt, entry_point, canonical_solution, test: code});
  assert.ok(row !== undefined && 'tests' in row);
  assert.deepEqual(row.tests, {style: 'check', entryPoint: 'spread', code, prelude: prompt});
  assert.equal(row.answer, prompt + canonical_solution);
  assert.match(row.question, /one block of code\.\n\n```python\nfrom typing import List\n[^]*"""\n```$/);
  assert.match(errorOf({entry_point, test: code}), /no “prompt”/);
});

test('rows like MBPP’s name the function that their asserts call', () => {
  const row = {text: 'Write a function that adds.', code: 'def help(): pass\ndef add(a, b):\n    return a + b\n'};
  const found = codeRowOf({
    ...row,
    test_list: ['assert add(1, 2) == 3', 'assert set([add(1, 1)]) == {2}'],
    test_setup_code: '',
  });
  assert.deepEqual(found, {
    question: 'Write a function that adds.\nCall the function `add`, and answer with one block of Python code.',
    answer: row.code,
    tests: {style: 'check', entryPoint: 'add', code: 'assert add(1, 2) == 3\nassert set([add(1, 1)]) == {2}'},
  });
  assert.match(errorOf({...row, test_list: ['assert other(1)']}), /call no function of “code”/);
  assert.match(errorOf({...row, test_list: ['assert add(1, help())']}), /call help and add of “code”/);
  assert.match(errorOf({...row, test_list: [1]}), /a list of texts/);
});

test('rows like APPS’s are whole programs', () => {
  const input_output = JSON.stringify({inputs: ['1 2\n'], outputs: ['3\n']});
  assert.deepEqual(codeRowOf({question: 'Add.', input_output, solutions: '["print(3)"]'}), {
    question: 'Add.',
    answer: 'print(3)',
    tests: {style: 'stdin', cases: [{input: '1 2\n', output: '3\n'}]},
  });
  assert.match(errorOf({question: 'Add.', input_output: '{"fn_name": "f", "inputs": [], "outputs": []}'}), /fn_name/);
  assert.match(errorOf({question: 'Add.', input_output: '{"inputs": ["1"], "outputs": []}'}), /as many/);
  assert.match(errorOf({question: 'Add.', input_output: '{'}), /no JSON object/);
});

test('rows with tests of their own are checked, and what is no programming problem is left alone', () => {
  const tests = {style: 'calls', entryPoint: 'f', cases: [{args: [1], returns: [1]}]};
  assert.deepEqual(codeRowOf({question: 'Do it.', tests}), {question: 'Do it.', answer: '', tests});
  assert.match(errorOf({question: 'Do it.', tests: {...tests, cases: []}}), /^“tests\.cases”/);
  assert.match(errorOf({question: 'Do it.', tests: {style: 'other'}}), /^“tests\.style”/);
  assert.match(errorOf({question: 'Do it.', tests: {...tests, cases: [{returns: 2 ** 60}]}}), /above 2\^53/);
  assert.match(errorOf({tests}), /none of question/);
  assert.equal(codeRowOf({question: 'What is 1 + 1?', answer: '2'}), undefined);
  assert.equal(codeRowOf({question: 'What is 1 + 1?', answer: '2', tests: {passed: 3}}), undefined);
});

test('a file of programming problems becomes prompts of the task code, and is refused where tests are asked for and missing', async (t) => {
  const lines = problems.map(({name, ...rest}) => JSON.stringify({task_id: name, ...rest}));
  const file = join(
    temporaryFolder(t, {
      'rows.jsonl': `${lines.join('\n')}\n`,
      'sums.jsonl': '{"question": "1 + 1?", "answer": "2"}\n',
    }),
    'rows.jsonl',
  );
  for (const answers of ['auto', 'code'] as const) {
    const {prompts} = await readPromptFile(file, 'rows.jsonl', {answers});
    assert.deepEqual(
      prompts.map(({id, task, tests, answer}) => [id, task, tests?.style, answer]),
      problems.map(({name, prompt, canonical_solution}) => [name, 'code', 'check', prompt + canonical_solution]),
    );
  }
  const sums = readPromptFile(file.replace('rows.jsonl', 'sums.jsonl'), 'sums.jsonl', {answers: 'code'});
  await assert.rejects(
    sums,
    /^StageFailure: sums\.jsonl:1 has no tests that are known \(fields tests, test with entry_point, test_list or input_output\)/,
  );
});
