/** What a task of one's own brings: documents, prompt sets, the split and the tokenizer, through the stages that make them. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {fileURLToPath} from 'node:url';

import type {StageFailure} from '../../../pipeline/stage.js';
import {corpus, prompts, workedData} from '../../../stages/index.js';
import {defineTask} from '../../../stages/tasks/define-task.js';
import type {TaskDocument} from '../../../stages/tasks/own-data.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../stages/text/completion.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {cardIn, rowsIn, runHere} from '../here.js';
import {taskRef} from '../refs.js';

const sorting = {tasks: [taskRef('sorting')]};
const sorted = (question: string): string => question.split(' ').slice(1).sort().join(' ');

test('documents ask and answer training problems, well done and badly done, and the tokenizer knows their words', async (t) => {
  const {out} = await runHere(t, corpus, {params: {count: 600}, definitions: sorting});
  const documents = rowsIn<TaskDocument>(out('documents'));
  assert.equal(documents.length, 600);
  const tokenizer = await openTokenizer(out('tokenizer'));
  const unknown = tokenizer.encode('<|unknown|>')[0];
  let [right, tagged] = [0, 0];
  for (const {prompt, response} of documents) {
    for (const text of [prompt, response]) {
      const ids = tokenizer.encode(text);
      assert.ok(!ids.includes(unknown!), text);
      assert.equal(tokenizer.decode(ids), text);
    }
    const completion = readCompletion(response, true);
    tagged += Number(completion.tagged && completion.thinking !== '');
    right += Number(completion.answer === sorted(/sort [\d ]*\d/.exec(prompt)![0]));
  }
  assert.ok(right > 480 && right < 560, `${right} of 600 right`);
  assert.ok(tagged > 380 && tagged < 460, `${tagged} of 600 think`);
  assert.deepEqual(cardIn(out('documents'))['tasks'], {sorting: 600});
});

test('prompt sets are of distinct problems, each on its side of the split, and the fixed ones do not hang on the seed', async (t) => {
  const sets = async (promptSeed: number): Promise<Record<string, Prompt[]>> => {
    const {out} = await runHere(t, prompts, {params: {train: 300, promptSeed}, definitions: sorting});
    const names = ['train', 'validation', 'heldOut'];
    assert.equal(readFileSync(join(out('generalTrain'), 'rows.jsonl'), 'utf8'), '');
    return Object.fromEntries(names.map((name) => [name, rowsIn<Prompt>(out(name))]));
  };
  const [one, other] = [await sets(1), await sets(2)];
  assert.deepEqual(
    Object.values(one).map(({length}) => length),
    [300, 120, 420],
  );
  const keys = Object.values(one).flatMap((set) => set.map(({key}) => key));
  assert.equal(new Set(keys).size, keys.length);
  assert.notDeepEqual(one['train'], other['train']);
  assert.deepEqual([one['validation'], one['heldOut']], [other['validation'], other['heldOut']]);
  for (const {task, question, answer, steps} of one['train']!) {
    assert.equal(task, 'sorting');
    assert.equal(answer, sorted(question));
    assert.equal(steps, answer.split(' ').length);
  }
});

test('a task may say itself how documents answer, where its problems fall, which words there are and how many it has', async (t) => {
  const tasks = [taskRef('sums'), taskRef('sorting')];
  const data = await runHere(t, corpus, {params: {count: 20}, definitions: {tasks}});
  const documents = rowsIn<TaskDocument>(data.out('documents'));
  assert.deepEqual(cardIn(data.out('documents'))['tasks'], {sums: 10, sorting: 10});
  for (const {task, prompt, response} of documents) {
    if (task !== 'sums') continue;
    const [, a, b] = /([0-2]) \+ (\d) \?/.exec(prompt)!;
    assert.equal(response, `<think> </think> <answer> ${Number(a) + Number(b)} </answer>`);
  }
  const tokenizer = await openTokenizer(data.out('tokenizer'));
  assert.equal(tokenizer.decode(tokenizer.encode('minus')), 'minus');

  const {out, notes} = await runHere(t, prompts, {params: {train: 40}, definitions: {tasks}});
  assert.deepEqual(notes, ['train: task “sums” has only 15 problems there, 20 were wanted']);
  const train = rowsIn<Prompt>(out('train'));
  assert.equal(train.length, 35);
  assert.deepEqual(
    train.slice(0, 3).map(({task}) => task),
    ['sums', 'sorting', 'sums'],
  );
  assert.equal(rowsIn<Prompt>(out('heldOut')).filter(({task}) => task === 'sums').length, 2);
});

test('what is wrong with a task is said with its name', async (t) => {
  const make = (task: string) => runHere(t, prompts, {params: {train: 2}, definitions: {tasks: [taskRef(task)]}});
  await assert.rejects(
    make('answerless'),
    /the task “answerless” \(.*\): .* has no answer; a task without answers says answer: null/,
  );
  await assert.rejects(
    make('onesided'),
    /task “onesided” \(.*\): none of 2000 problems in a row is on the validation side of the split; all of them ask the same question/,
  );
  const nothing = {module: import.meta.url, name: 'nothing'} as never;
  assert.throws(() => defineTask(nothing), /task “nothing”: “problems” must be a function/);
});

test('code of a task that is at fault is named with its file, and where it threw', async (t) => {
  const file = fileURLToPath(taskRef('numeric').module);
  const said = {
    promised: /: problems gave a promise; problems is not async and can wait for nothing$/,
    numeric: /: respond gave 3 for the problem \{"question":"why \?","answer":"so"\}, not a text$/,
    speechless:
      /: respond gave " \\n" for the problem \{"question":"why \?","answer":"so"\}, in which nothing is said$/,
    thrower: /: problems threw RangeError: cannot pick from nothing, at .*tasks\.ts:\d+:\d+$/,
    chancy: /: respond gave "<answer> 0\.\d+ .* and then "<answer> 0\.\d+ .* for the same draws; use nothing but the/,
    french: /: a problem \{.*\} has the “language” "French", not one of en, zh, .*$/,
    stepped: /: a problem \{.*\} has “steps” that are not a number: "3"$/,
    absent: /: problems gave undefined, not a problem: \{question, answer\}$/,
    testing: /: split gave "test", not one of train, validation, held-out$/,
    counting: /: problems gave .*after 0 .* and then .*after 8 .* nothing but the random that it is given/,
  };
  for (const [name, message] of Object.entries(said)) {
    await assert.rejects(
      runHere(t, corpus, {params: {count: 4}, definitions: {tasks: [taskRef(name)]}}),
      (error: StageFailure) => {
        assert.ok(error.message.startsWith(`the task “${name}” (${file}): `), error.message);
        assert.match(error.message, message);
        assert.equal(error.file, file);
        return true;
      },
    );
  }
});

test('what mend gives is looked at before anything is trained', async (t) => {
  const make = (task: string) => runHere(t, prompts, {params: {train: 2}, definitions: {tasks: [taskRef(task)]}});
  await assert.rejects(
    make('textual'),
    /the task “textual” \(.*\): mend gave "so" on prompt textual:\S+, and not \{ok: true, value: 'text to learn from'\} or \{ok: false/,
  );
  await assert.rejects(make('emptied'), /the task “emptied” \(.*\): mend gave \{"ok":true,"value":" "\} on prompt/);
});

test('worked problems are of a solution and an answer, or of what the task responds', async (t) => {
  const make = (task: string) => runHere(t, workedData, {params: {rows: 2}, definitions: {tasks: [taskRef(task)]}});
  await assert.rejects(
    make('textual'),
    /the task “textual” \(.*\): the problem “why \d+ \?” has no solution, and worked problems are made of both; let problems have a “solution”, or the task a “respond”/,
  );
  assert.equal(rowsIn<{response: string}>((await make('sums')).out('dataset')).length, 2);
});

test('a field of a task that is of another type is refused where it is declared', () => {
  const plain = {module: import.meta.url, name: 'odd', problems: () => ({question: 'why ?', answer: 'so'})};
  const said: readonly (readonly [object, string])[] = [
    [{words: 'abc'}, '“words” must be a list of texts, not "abc"'],
    [{words: ['a', 3]}, '“words” must be a list of texts, not ["a",3]'],
    [{sets: 'x'}, '“sets” must be {validation, heldOut}, not "x"'],
    [{sets: {heldOut: -3}}, '“sets.heldOut” must be a number of problems, 0 or more, not -3'],
    [{sets: {heldOut: 1.5}}, '“sets.heldOut” must be a number of problems, 0 or more, not 1.5'],
    [{sets: {validation: 'x'}}, '“sets.validation” must be a number of problems, 0 or more, not "x"'],
    [{respond: 'so'}, '“respond” must be a function, not "so"'],
    [{reasoning: 'no'}, '“reasoning” must be true or false, not "no"'],
    [{answer: 5}, '“answer” must have the functions “read” and “reference”'],
  ];
  for (const [field, message] of said)
    assert.throws(() => defineTask({...plain, ...field}), {message: `task “odd”: ${message}`});
  assert.deepEqual(defineTask({...plain, sets: {heldOut: 7, validation: undefined} as never}).sets, {
    validation: 120,
    heldOut: 7,
  });
});

test('a problem may have fields of its own that are no JSON', async (t) => {
  const {out} = await runHere(t, corpus, {params: {count: 4}, definitions: {tasks: [taskRef('bigger')]}});
  assert.equal(rowsIn<TaskDocument>(out('documents')).length, 4);
});

test('a task with few different questions says how many there were', async (t) => {
  const three = {tasks: [taskRef('three')]};
  await assert.rejects(
    runHere(t, prompts, {params: {train: 9}, definitions: three}),
    /the task “three” .*: none of 2000 problems in a row is on the validation side of the split; they ask 3 different questions$/,
  );
});

test('a task that is an instance of a class keeps its this', async (t) => {
  const {out} = await runHere(t, prompts, {params: {train: 3}, definitions: {tasks: [taskRef('doubling')]}});
  for (const {question, answer} of rowsIn<Prompt>(out('train')))
    assert.equal(Number(answer), 2 * Number(question.split(' ')[1]));
});
