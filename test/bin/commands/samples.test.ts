/** `r1 samples`, and what of `r1 trace` shows texts. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {samplesCommand} from '../../../bin/commands/samples.js';
import {traceCommand} from '../../../bin/commands/trace.js';
import {Bench, edge} from '../../artifacts/temporary.js';
import {judged, rollout} from '../../stages/samples/files.js';
import {onTerminal} from '../../rig/pty.js';
import {spoken} from '../spoken.js';
import type {Spoken} from '../spoken.js';

const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const rows = (kind: string, list: readonly object[]) => ({kind, files: {'rows.jsonl': lines(list)}});

const scored = (prompt: string, sample: number, fields: object): object => ({
  ...{id: `${prompt}#${sample}`, from: [prompt], prompt, key: prompt.slice(0, 1), task: 'sums', steps: 2, sample},
  ...{text: 'text', tokens: 3, truncated: false, helpful: null, safe: null, ...fields},
});

/**
 * A recipe of one's own, with names that no built-in recipe has.
 *
 *     questions ─┬─────────────┬─→ sifted
 *     start ─────┴─→ trained ──┼─→ exam-trained
 *       └──────────────────────┴─→ exam-start
 */
async function store(t: TestContext): Promise<Bench> {
  const bench = new Bench(t);
  const questions = await bench.make({
    node: 'questions',
    outputs: {
      all: rows('prompts', [
        {id: 'a:en', from: [], key: 'a', task: 'sums', language: 'en', question: '2 + 2?', answer: '4', steps: 2},
        {id: 'b:zh', from: [], key: 'b', task: 'sums', language: 'zh', question: '3 加 3 ？', answer: '6', steps: 1},
      ]),
    },
  });
  const start = await bench.make({
    node: 'start',
    stage: 'import-model',
    outputs: {model: {kind: 'model', files: {w: '0'}}},
  });
  const inputs = [edge(questions, 'all', 'prompts'), edge(start, 'model', 'policy')];
  const thought = {completion: '<think> 2 and 2 </think> <answer> 4 </answer>', ...judged(true)};
  const trained = await bench.make({
    node: 'trained',
    stage: 'grpo',
    params: {group: 4, divideByStd: false, stdFloor: 0, rewards: {accuracy: 1}, template: 'zero'},
    inputs,
    outputs: {
      model: {kind: 'model', files: {w: '1'}},
      history: rows('history', [{id: 'step-0', from: [], step: 0, loss: 1}]),
      rollouts: rows('rollouts', [
        ...[0, 1, 3].map((sample) => rollout('a:en', sample, thought)),
        rollout('a:en', 2, {completion: 'five, wait', finished: false, ...judged(false)}),
        ...[0, 1, 2, 3].map((sample) => rollout('b:zh', sample, {step: 2, completion: '六', question: '3 加 3 ？'})),
      ]),
    },
  });
  await bench.make({
    node: 'sifted',
    stage: 'rejection-sampling',
    inputs: [edge(questions, 'all', 'prompts'), edge(trained, 'model', 'policy')],
    outputs: {
      dataset: rows('dataset', [{id: 's:a:en#1', from: ['a:en#1'], question: '2 + 2?', response: '4'}]),
      rollouts: rows('rollouts', [
        {
          id: 'a:en#0',
          from: ['a:en'],
          question: '2 + 2?',
          completion: '5',
          tokens: 1,
          finished: true,
          verdict: 'answer wrong',
        },
        {id: 'a:en#1', from: ['a:en'], question: '2 + 2?', completion: '4', tokens: 1, finished: true, verdict: 'kept'},
        {
          id: 'a:en#2',
          from: ['a:en'],
          question: '2 + 2?',
          completion: '4.',
          tokens: 2,
          finished: true,
          verdict: 'repetition',
        },
      ]),
    },
  });
  for (const [node, model, text] of [
    ['exam-trained', trained, 'four'],
    ['exam-start', start, 'dunno'],
  ] as const)
    await bench.make({
      node,
      stage: 'evaluate',
      inputs: [edge(model, 'model'), edge(questions, 'all', 'prompts')],
      outputs: {
        scores: rows('scores', [
          scored('a:en', 0, {text, outcome: node === 'exam-trained' ? 'right' : 'unparsable', answer: null}),
          scored('b:zh', 0, {text: '六', outcome: 'wrong', answer: '7', wellFormed: false, consistency: 0.5}),
        ]),
      },
    });
  return bench;
}

const samples = ({folder}: Bench, ...words: string[]): Promise<Spoken> => spoken(samplesCommand, folder, words);
const trace = ({folder}: Bench, ...words: string[]): Promise<Spoken> => spoken(traceCommand, folder, words);
/** Without digests, which are not what a test is about. */
const plain = ({out}: Spoken): string[] => out.replace(/@[0-9a-f]{8}/g, '@…').split('\n');

test('a node that trained shows its rollouts: question, reference, rewards by part, advantages, one text for all that are alike', async (t) => {
  const bench = await store(t);
  assert.deepEqual(plain(await samples(bench, 'trained')), [
    'trained:rollouts @…  grpo, attempt 3, run 1',
    '  8 completions in 2 groups at steps 0 to 2: 7 right, 1 wrong; 1 cut off',
    '  of every rollout the first group is stored',
    '  asked with zero',
    '  all 2 groups',
    '',
    'step 0  a:en  4 completions: 3 right, 1 not right',
    'question   a:en?',
    'reference  4',
    '           sums, en, 2 steps',
    '',
    '  ✓ #0 #1 #3 (3 alike)  right  reward 1 = accuracy 1  advantage +0.25  4 tokens',
    '    <think> 2 and 2 </think>',
    '    <answer> 4 </answer>',
    '',
    '  – #2  cut off, wrong  reward 0 = accuracy 0  advantage −0.75  4 tokens',
    '    five, wait',
    '',
    'step 2  b:zh  4 completions: 4 right, 0 not right',
    'question   3 加 3 ？',
    'reference  6',
    '           sums, zh, 1 step',
    '',
    '  ✓ #0–#3 (4 alike)  right  reward 1 = accuracy 1  advantage 0.00  4 tokens',
    '    六',
    '',
    "where one came from: r1 trace 'step-0:b:zh#3' --in 1/trained:rollouts",
    'also to read: r1 samples exam-trained:scores',
  ]);
});

test('a model without samples of its own stands for its evaluation, and so do two that stand beside each other', async (t) => {
  const bench = await store(t);
  const {out} = await samples(bench, 'start', '--wrong', '--limit', '1');
  assert.match(
    out,
    /^exam-start:scores .*\n {2}2 completions to 2 prompts: 1 wrong, 1 unparsable\n {2}1 of 2 groups with --wrong, the last of them; --limit/,
  );
  assert.match(out, /\n {2}✗ #0 {2}wrong {2}answer 7 {2}not in the format {2}language 0\.5 {2}3 tokens\n {4}六\n/);

  const beside = plain(await samples(bench, 'start', '--beside', 'trained', '--problem', 'a'));
  assert.deepEqual(beside.slice(4), [
    '  the one group with --problem a to which exam-trained:scores answers as well',
    '',
    'a:en',
    'question   2 + 2?',
    'reference  4',
    '           sums, en, 2 steps',
    '',
    'exam-start:scores  1 completion: 0 right, 1 not right',
    '  ✗ #0  unparsable  3 tokens',
    '    dunno',
    '',
    'exam-trained:scores  1 completion: 1 right, 0 not right',
    '  ✓ #0  right  3 tokens',
    '    four',
    '',
    "where one came from: r1 trace 'a:en#0' --in 1/exam-start:scores",
  ]);
  const mixed = await samples(bench, 'trained:rollouts', '--beside', 'exam-start', '--step', 'last');
  assert.match(
    mixed.out,
    /\nstep 2 {2}b:zh\n[^]*\ntrained:rollouts {2}step 2 {2}4 completions[^]*\nexam-start:scores {2}1 completion/,
  );
});

test('as JSON it is one value, with the texts as they are', async (t) => {
  const bench = await store(t);
  const {out} = await samples(bench, 'trained', '--mixed', '--json');
  const json = JSON.parse(out) as Record<string, unknown> & {shown: Record<string, unknown>[]};
  assert.deepEqual(
    [json['groups'], json['completions'], json['found'], (json['of'] as {node: string}).node],
    [2, 8, 1, 'trained'],
  );
  const [{samples: shown, ...about}] = json.shown as [{samples: Record<string, unknown>[]}];
  assert.deepEqual(about, {
    ...{prompt: 'a:en', step: 0, question: 'a:en?', references: ['4'], task: 'sums', language: 'en', steps: 2},
    completions: 4,
  });
  assert.deepEqual(shown[3], {
    ...{id: 'step-0:a:en#2', file: 'rows.jsonl', line: 4, sample: 2, text: 'five, wait', tokens: 4, finished: false},
    ...{
      reward: 0,
      outcome: 'wrong',
      rewards: [{name: 'accuracy', value: 0, weight: 1, outcome: 'wrong'}],
      advantage: -0.75,
    },
  });
  const nothing = JSON.parse((await samples(bench, 'trained', '--truncated', '--step', '2', '--json')).out) as object;
  assert.deepEqual({...nothing, of: 0}, {of: 0, groups: 2, completions: 8, found: 0, shown: []});
  const both = JSON.parse((await samples(bench, 'start', '--beside', 'trained', '--json')).out) as typeof json;
  assert.deepEqual(
    both.shown.map(({prompt, beside}) => [prompt, (beside as {samples: {text: string}[]}).samples[0]!.text]),
    [
      ['a:en', 'four'],
      ['b:zh', '六'],
    ],
  );
});

test('wishes that cannot be met end with 2 and say what can', async (t) => {
  const bench = await store(t);
  const says = async (words: string[], ...parts: RegExp[]): Promise<void> => {
    const {err, code} = await samples(bench, ...words);
    assert.equal(code, 2, words.join(' '));
    for (const part of parts) assert.match(err, part);
  };
  await says(['trained', '--step', '1'], /nothing in trained:rollouts was sampled at step 1\n.*the nearest: 0 and 2/);
  await says(['trained', '--step', '3..1'], /a step is expected/);
  await says(['trained', '--limit', 'few'], /a whole number from 1/);
  await says(['trained', '--problem', 'a:ne'], /has no prompt “a:ne”, did you mean “a:en”\?/, /its 2 prompts/);
  await says(['exam-start', '--step', '1'], /exam-start:scores was not sampled at steps/);
  await says(['sifted:dataset', '--wrong'], /nothing in sifted:dataset says which completions are right, so --wrong/);
  await says(['sifted:dataset', '--truncated'], /says which completions were cut off/);
  await says(['questions', '--mixed'], /so --mixed has nothing to go by/);
  await says(['trained:history'], /trained:history is of kind history\nto read there is trained:rollouts/);
  await says(['triand'], /no run has a node “triand”, did you mean “trained”\?/);
  await says(['sifted:dataset', '--beside', 'exam-start', '--problem', 'b'], /sifted:dataset has no prompt “b”/);
});

test('a filter that nothing passes says so and is no error', async (t) => {
  const bench = await store(t);
  const {out, code} = await samples(bench, 'trained', '--step', '2', '--wrong');
  assert.equal(code, 0);
  assert.match(out, /\n {2}nothing to show: there is no group with --step 2 --wrong\nalso to read: /);
});

test('a model that nobody has sampled says what to type; one that several nodes have asks which is meant', async (t) => {
  const bench = await store(t);
  const outside = await bench.make({node: 'outside', outputs: {model: {kind: 'model', files: {w: '9'}}}});
  const none = await samples(bench, 'outside');
  assert.equal(none.code, 2);
  assert.match(none.err, /nothing that was sampled from outside is in this store\nr1 eval outside --prompts FILE/);
  for (const node of ['one', 'other'])
    await bench.make({
      node,
      inputs: [edge(outside, 'model')],
      outputs: {scores: rows('scores', [scored('a', 0, {text: node})])},
    });
  assert.match(
    (await samples(bench, 'outside')).err,
    /2 nodes have sampled outside\nsay which: one:scores, other:scores/,
  );
  const strangers = await samples(bench, 'one', '--beside', 'exam-start');
  assert.match(strangers.err, /one:scores and exam-start:scores have no prompt in common/);
});

test('a row that is garbled is told with artifact, file and line', async (t) => {
  const bench = new Bench(t);
  const files = {'rows.jsonl': `${JSON.stringify(rollout('p', 0))}\n{"id": "p#1", "compl`};
  await bench.make({node: 'torn', outputs: {rollouts: {kind: 'rollouts', files}}});
  await assert.rejects(
    samples(bench, 'torn'),
    /StageFailure: torn:rollouts @[0-9a-f]{8}, rows\.jsonl line 2: not JSON: Unterminated string/,
  );
});

test('trace --dropped lists what was drawn for a prompt and not kept, each with the reason', async (t) => {
  const bench = await store(t);
  assert.deepEqual(plain(await trace(bench, '--dropped', 'a:en')), [
    'sifted:rollouts @…  rejection-sampling, attempt 4, run 1',
    '  3 completions drawn, 1 kept, 2 dropped',
    '',
    'a:en  2 of 3 completions: 2 right, 1 not right, 1 kept',
    'question   2 + 2?',
    'reference  4',
    '           sums, en, 2 steps',
    '',
    '  ✗ #0  wrong, dropped: answer wrong  1 tokens',
    '    5',
    '',
    '  ✓ #2  right, dropped: repetition  2 tokens',
    '    4.',
    '',
  ]);
  const json = JSON.parse((await trace(bench, '--dropped', 'a:en#2', '--in', 'sifted', '--json')).out) as {
    dropped: {id: string; fate: string}[];
  }[];
  assert.deepEqual(
    json[0]!.dropped.map(({id, fate}) => [id, fate]),
    [
      ['a:en#0', 'answer wrong'],
      ['a:en#2', 'repetition'],
    ],
  );
  const says = async (words: string[], part: RegExp): Promise<void> => {
    const {err, code} = await trace(bench, ...words);
    assert.equal(code, 2);
    assert.match(err, part);
  };
  await says(['--dropped', 'a:em'], /no node has drawn anything for a prompt “a:em” .*did you mean “a:en”\?/);
  await says(['--dropped', 'a:en', '--in', 'trained'], /trained has dropped none of what it drew/);
  await says(['--dropped', 'a:en', '--in', 'questions'], /questions has not kept what it drew/);
  await says(['a:en', '--dropped', 'a:en'], /an id and --dropped do not go together/);
  await says([], /the id of a row is missing/);
});

test('trace --dropped goes on behind rollouts that cannot be read, and tells of them; of a node that is named they are the answer', async (t) => {
  const bench = await store(t);
  await bench.make({
    node: 'garbled',
    stage: 'rejection-sampling',
    outputs: {rollouts: {kind: 'rollouts', files: {'rows.jsonl': 'not JSON\n'}}},
  });
  await bench.make({node: 'empty', outputs: {rollouts: {kind: 'rollouts', files: {'other.txt': 'no rows'}}}});
  const all = await trace(bench, '--dropped', 'a:en');
  assert.equal(all.code, 0);
  assert.match(all.err, /garbled:rollouts .*line 1: not JSON/);
  assert.match(all.err, /empty:rollouts .* has no rows/);
  assert.match(all.out, /3 completions drawn, 1 kept, 2 dropped/);
  await assert.rejects(trace(bench, '--dropped', 'a:en', '--in', 'garbled'), /garbled:rollouts .*line 1: not JSON/);
});

test('trace --full shows whole rows, each field with the lines that it has', async (t) => {
  const bench = new Bench(t);
  const list = [{id: 'r', from: [], question: 'one\ntwo', more: {deep: [1]}}];
  await bench.make({node: 'data', outputs: {rows: rows('dataset', list)}});
  assert.deepEqual(plain(await trace(bench, 'r', '--full')), [
    'r  data:rows @…  rows.jsonl line 1',
    '├─ id        r',
    '├─ from      []',
    '├─ question  one',
    '│            two',
    '└─ more      {"deep":[1]}',
  ]);
});

test('on a terminal what is longer than the screen goes through the pager, and nothing else does', async (t) => {
  const bench = await store(t);
  const shown = async (words: readonly string[], rows: number, PAGER: string) => {
    const env = {PAGER, NO_COLOR: '1'};
    const terminal = onTerminal(t, ['samples', ...words, '--store', bench.folder], {cwd: bench.folder, rows, env});
    const code = await terminal.ended;
    return {code, lines: terminal.seen().replaceAll('\r\n', '\n').trimEnd().split('\n')};
  };
  // Whoever is paged is marked.
  const marking = "sed 's/^/| /'";
  const paged = await shown(['trained'], 10, marking);
  assert.equal(paged.code, 0);
  assert.ok(paged.lines.length > 10 && paged.lines.every((line) => line.startsWith('| ')), paged.lines.join('\n'));
  const plain = paged.lines.map((line) => line.slice(2).trimEnd());
  for (const [words, rows, pager] of [
    [['trained'], 60, marking],
    [['trained', '--no-pager'], 10, marking],
    [['trained'], 10, ''],
  ] as const) {
    const {lines} = await shown(words, rows, pager);
    assert.deepEqual(
      lines.map((line) => line.trimEnd()),
      plain,
      `${words.join(' ')}, ${rows} rows`,
    );
  }
  // One that is closed in the middle has been read enough of.
  assert.deepEqual(await shown(['trained'], 10, 'head -n 1'), {code: 0, lines: [plain[0]]});
  const missing = await shown(['trained'], 10, 'r1-no-such-pager');
  assert.equal(missing.code, 2);
  assert.match(missing.lines.join('\n'), /the pager “r1-no-such-pager” could not be started\n.*PAGER.*--no-pager/);
});
