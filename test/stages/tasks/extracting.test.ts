/** Where answers are looked for, task by task. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {valuesOf} from '../../../pipeline/params.js';
import {askingMistakes, ASKING, EXTRACTIONS, type Extraction} from '../../../stages/tasks/asking.js';
import {builtInTasks} from '../../../stages/tasks/built-in.js';
import {defineTask} from '../../../stages/tasks/define-task.js';
import {checkExtraction, extractionFault, tasksExtracting} from '../../../stages/tasks/extracting.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import type {Task} from '../../../stages/tasks/task.js';
import {readCompletion} from '../../../stages/text/completion.js';

const DEFAULTS = valuesOf(ASKING);

const read = (task: string, extraction: Extraction, text: string): string | undefined =>
  tasksExtracting(builtInTasks, extraction).get(task)!.answer!.read(readCompletion(text, true));
const readings = (task: string, text: string): (string | undefined)[] =>
  (['task', 'tag', 'box', 'last-number'] as const).map((extraction) => read(task, extraction, text));

test('an answer is found where it is looked for, and nowhere else', () => {
  assert.deepEqual(readings('integer', '<answer> 18 </answer>'), ['18', '18', undefined, '18']);
  assert.deepEqual(readings('integer', 'So \\boxed{18}.'), ['18', undefined, '18', '18']);
  assert.deepEqual(readings('integer', 'So it is 18.'), [undefined, undefined, undefined, '18']);
  assert.deepEqual(readings('integer', '<think> \\boxed{18} </think> Done.'), [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(readings('integer', '\\boxed{17} <answer> 18 </answer>'), ['18', '18', '17', '18']);
  assert.deepEqual(readings('math', 'It is $\\frac{1}{2}$.'), [undefined, undefined, undefined, '0.5']);
  assert.deepEqual(readings('math', '<answer> $x^2$ </answer>'), ['x^2', 'x^2', undefined, 'x^2']);
  assert.equal(read('math', 'last-number', 'It is 5%.'), '5\\%');
  assert.equal(read('choice', 'box', '\\boxed{B}'), 'B');
  assert.equal(read('math', 'math-verify', '<think> 3 </think> So $x = 5$, I say.'), 'So $x = 5$, I say.');
  assert.equal(read('dials', 'tag', '<answer> 5 4 </answer>'), '5 4');
});

test('what is marked but no number is no answer, and two marks that differ are settled by the last', () => {
  assert.equal(read('integer', 'last-number', 'There are 18. <answer> eighteen </answer>'), undefined);
  assert.equal(read('integer', 'last-number', '<answer> 17 </answer> no, <answer> 18 </answer>'), '18');
  assert.equal(read('integer', 'tag', '<answer> 17 </answer> no, <answer> 18 </answer>'), undefined);
});

test('exact answers that are numbers are compared as numbers where numbers are looked for', () => {
  const {reference} = tasksExtracting(builtInTasks, 'last-number').get('exact')!.answer!;
  assert.equal(reference('3/4'), read('exact', 'last-number', 'She ate 0.75 of it.'));
  assert.equal(reference('12.5%'), read('exact', 'last-number', 'That is 12.50 %.'));
  assert.equal(reference('Paris'), 'paris');
  // A fraction of a whole number is a wrong answer, no unreadable one.
  assert.equal(read('integer', 'last-number', 'It is 18.5.'), '18.5');
  assert.equal(read('integer', 'last-number', 'It is 18.0.'), '18');
});

test('an extraction that makes no sense for a task is refused with the reason', () => {
  const prompt = (task: string, answer: string): Prompt => ({
    id: `p-${task}`,
    from: [],
    task,
    key: 'k',
    question: 'q',
    answer,
  });
  const problems = () => ({question: 'q', answer: '1'});
  const own = (name: string, answer?: 'integer'): Task =>
    defineTask({
      ...{module: import.meta.url, name, problems},
      answer: answer ?? {read: () => undefined, reference: (text) => text},
    });
  const tasks = new Map<string, Task>([
    ...builtInTasks,
    ['sorting', own('sorting')],
    ['counting', own('counting', 'integer')],
  ]);
  const notes: string[] = [];
  const check = (extraction: Extraction, ...prompts: Prompt[]): void =>
    checkExtraction(prompts, extraction, {tasks, note: (text) => void notes.push(text)});
  for (const extraction of EXTRACTIONS) check(extraction, prompt('math', '18'));
  for (const extraction of EXTRACTIONS) check(extraction, {...prompt('general', ''), task: 'general'});
  assert.throws(() => check('last-number', prompt('integer', '1'), prompt('code', 'x')), {
    name: 'StageFailure',
    message:
      'extraction “last-number” is not for the task “code”, of which prompt p-code is: it has answers that are no numbers; leave it at “task”',
  });
  assert.throws(() => check('math-verify', prompt('integer', '1')), /Math-Verify does not compare/);
  assert.throws(() => check('box', prompt('dials', '1 2')), /do not stand in a box/);
  assert.throws(() => check('tag', prompt('sorting', '1 2')), /finds its answers by functions of its own/);
  check('last-number', prompt('counting', '1'));
  assert.throws(() => check('math-verify', prompt('counting', '1')), /Math-Verify does not compare/);
  assert.equal(extractionFault(own('sorting'), 'task'), undefined);
  assert.throws(() => check('last-number', prompt('exact', 'Paris')), StageFailure);
  assert.deepEqual(notes, []);
  check('last-number', prompt('exact', 'Paris'), prompt('exact', '3.5'), prompt('integer', '18'));
  assert.match(notes.join(), /^1 of 3 references are no numbers, such as “Paris” of prompt p-exact/);
});

test('params that make no sense are told before anything runs', () => {
  assert.deepEqual(askingMistakes({...DEFAULTS, template: 'zero'}), []);
  assert.match(
    askingMistakes({...DEFAULTS, template: 'zero', system: 'x'}).join(),
    /the template “zero” has no system turn/,
  );
  const number = [1] as unknown as string[];
  assert.match(
    askingMistakes({...DEFAULTS, template: 'chat', stop: number}).join(),
    /^stop is a list of texts .* 1 is none$/,
  );
  const closed = {...DEFAULTS, template: 'chat', stop: ['\n</answer>']} as const;
  assert.match(askingMistakes(closed).join(), /cuts off the tag that closes an answer, so that none is read/);
  assert.deepEqual(askingMistakes({...closed, extraction: 'last-number'}), []);
  assert.match(
    askingMistakes({...DEFAULTS, template: 'chat', stop: ['a', '']}).join(),
    /stop is a list of texts .* "" is none/,
  );
});
