/** The live view, on a terminal that remembers what it was told. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {RunEvent} from '../../../pipeline/events.js';
import {jsonView, textView} from '../../../bin/render/live.js';
import {timeLeftText, waitingText} from '../../../bin/render/outlook.js';
import type {NodeOutlook, Outlook} from '../../../bin/render/outlook.js';
import type {Services} from '../../../bin/cli-context.js';

class Screen implements Services {
  readonly said: string[] = [];
  readonly complained: string[] = [];
  block: string | undefined;
  readonly width = 80;
  readonly isTerminal = true;
  progressWidth = 100;
  readonly colours = false;
  openStore(): never {
    throw new Error('not here');
  }
  say = (text: string) => void this.said.push(text);
  complain = (text: string) => void this.complained.push(text);
  progress = (text: string | undefined) => void (this.block = text);
  stream = () => undefined;
  long(): never {
    throw new Error('not here');
  }
  exit = () => undefined;
}

const STARTED: RunEvent[] = [
  {
    type: 'run-started',
    run: 7,
    recipe: 'tiny',
    seed: 0,
    nodes: 3,
    toRun: ['zero-rl'],
    mayRun: ['report'],
    expectedMs: 65_000,
  },
  {type: 'node-reused', node: 'base', attempt: 1, because: 'nothing changed', outputs: {}, planned: true},
  {
    type: 'node-started',
    node: 'zero-rl',
    stage: 'grpo',
    attempt: 9,
    because: 'rate 1 → 2',
    log: '/log',
    continues: {attempt: 8, step: 20},
  },
];

function play(
  live: boolean,
  events: readonly RunEvent[],
  width = 100,
  outlook?: Outlook,
): {screen: Screen; at: (ms: number) => void} {
  const screen = new Screen();
  screen.progressWidth = width;
  let now = 0;
  const view = textView(screen, live, {clock: () => now, outlook});
  for (const event of events) {
    now += 1000; // past the interval between two redraws
    view.show(event);
  }
  return {screen, at: (ms) => (now = ms)};
}

const FINISHED: RunEvent = {
  type: 'run-finished',
  run: 7,
  outcome: 'failed',
  ran: 0,
  reused: 1,
  failed: 1,
  stopped: 0,
  cancelled: 1,
  wallMs: 5000,
  expectedMs: 0,
};

test('the first line says what is to be done, the hits of the plan are only counted', () => {
  const {screen} = play(true, [...STARTED, FINISHED]);
  assert.equal(
    screen.complained[0],
    'run 7: tiny, seed 0, 1 of 3 nodes to run, up to 1 more, about 1 min 05 s by earlier runs',
  );
  assert.equal(screen.complained[1], 'zero-rl   started: rate 1 → 2, from the checkpoint at step 20 of attempt 8');
  assert.equal(screen.complained.length, 3);
});

test('a running node has a line with its step, newest metrics, pace and time left', () => {
  const {screen} = play(true, [
    ...STARTED,
    {type: 'node-progress', node: 'zero-rl', at: 10_000, step: 20, total: 50, tokens: 1000},
    {type: 'node-metric', node: 'zero-rl', name: 'loss', step: 21, value: 1.23456},
    {type: 'node-metric', node: 'zero-rl', name: 'length', step: 21, value: 4096},
    {type: 'node-progress', node: 'zero-rl', at: 12_000, step: 22, total: 50, tokens: 9000},
  ]);
  assert.equal(screen.block, 'zero-rl   step 22 of 50  loss 1.23  length 4096  4,000 tokens/s  28 s left');
});

test('where there is little room the metrics on the right go first, and step and time left stay', () => {
  const events: RunEvent[] = [
    ...STARTED,
    {type: 'node-progress', node: 'zero-rl', at: 10_000, step: 20, total: 50, tokens: 1000},
    {type: 'node-metric', node: 'zero-rl', name: 'loss', step: 21, value: 1.23456},
    {type: 'node-metric', node: 'zero-rl', name: 'length', step: 21, value: 4096},
    {type: 'node-progress', node: 'zero-rl', at: 12_000, step: 22, total: 50, tokens: 9000},
  ];
  const shownIn = (width: number): string | undefined => play(true, events, width).screen.block;
  assert.equal(shownIn(74), 'zero-rl   step 22 of 50  loss 1.23  length 4096  4,000 tokens/s  28 s left');
  assert.equal(shownIn(73), 'zero-rl   step 22 of 50  loss 1.23  4,000 tokens/s  28 s left');
  assert.equal(shownIn(50), 'zero-rl   step 22 of 50  4,000 tokens/s  28 s left');
  assert.equal(shownIn(40), 'zero-rl   step 22 of 50  28 s left');
});

test('a finished node leaves the block before its last line is said', () => {
  const outcome = {reason: 'stage-exited', exitCode: 3} as const;
  const {screen} = play(true, [
    ...STARTED,
    {type: 'node-finished', node: 'zero-rl', attempt: 9, outcome, cost: {wallMs: 2500}, log: '/log', outputs: {}},
    FINISHED,
  ]);
  assert.equal(screen.block, undefined);
  assert.deepEqual(screen.complained.slice(2), [
    'zero-rl   failed: exited with 3 before it was done',
    '          log: /log',
    '          next: r1 log zero-rl --run 7; then r1 resume 7',
    'run 7 failed in 5.0 s: 0 ran, 1 reused, 1 failed, 1 not started',
  ]);
});

test('a param is offered to be changed only where the stage has one', () => {
  const outcome = {reason: 'stage-failed', message: 'too little'} as const;
  const finished = {
    type: 'node-finished',
    node: 'zero-rl',
    attempt: 9,
    outcome,
    cost: {wallMs: 1},
    log: '',
    outputs: {},
  } as const;
  const nextOf = (event: RunEvent) =>
    play(true, [...STARTED, event])
      .screen.complained.at(-1)
      ?.trim();
  assert.equal(nextOf(finished), 'next: r1 log zero-rl --run 7; then r1 resume 7');
  assert.equal(
    nextOf({...finished, params: ['steps']}),
    'next: r1 log zero-rl --run 7; then r1 resume 7, or change a param: r1 run … --set zero-rl.PARAM=VALUE',
  );
});

test('what goes wrong around a node is said with what to do next', () => {
  const outcome = {reason: 'store-failed', message: 'the disk is full', hint: 'make room'} as const;
  const {screen} = play(true, [...STARTED, {type: 'node-failed', node: 'zero-rl', outcome}]);
  assert.equal(screen.block, undefined);
  assert.deepEqual(
    screen.complained.slice(-2).map((text) => text.trim().replaceAll(/ +/g, ' ')),
    ['zero-rl failed: the disk is full', 'next: make room'],
  );
});

test('without a terminal, progress is said now and then', () => {
  const progress = (step: number): RunEvent => ({
    type: 'node-progress',
    node: 'zero-rl',
    at: step * 1000,
    step,
    total: 50,
  });
  const {screen} = play(false, [...STARTED, ...Array.from({length: 32}, (_, i) => progress(i + 1))]);
  assert.deepEqual(screen.complained.slice(2), [
    'zero-rl   step 15 of 50  35 s left',
    'zero-rl   step 30 of 50  20 s left',
  ]);
  assert.equal(screen.block, undefined);
});

test('with --json every event is a line of JSON', () => {
  const screen = new Screen();
  for (const event of STARTED) jsonView(screen).show(event);
  assert.deepEqual(
    screen.said.map((line) => JSON.parse(line) as unknown),
    STARTED,
  );
});

const nodeOf = (needs: readonly string[], expectedMs?: number, more: Partial<NodeOutlook> = {}): NodeOutlook => ({
  ...{needs, cores: 1, headline: []},
  ...(expectedMs === undefined ? {} : {expectedMs}),
  ...more,
});

/**
 *  base ─┬─ zero ── cold ── report
 *        └─ eval ────────────┘
 */
const GRAPH: Outlook = {
  cores: 2,
  nodes: new Map([
    ['base', nodeOf([], 60_000)],
    ['zero', nodeOf(['base'], 120_000, {headline: ['accuracy', 'length']})],
    ['eval', nodeOf(['base'], 30_000)],
    ['cold', nodeOf(['zero'], 20_000)],
    ['report', nodeOf(['cold', 'eval'], 1_000)],
  ]),
};
const OPEN = new Set(GRAPH.nodes.keys());

test('what is left is the longest chain, or all work shared by the cores, whichever is more', () => {
  // base + zero + cold + report = 201 s; in all 231 s on two cores = 116 s.
  assert.equal(timeLeftText(GRAPH, {open: OPEN, running: new Map()}), 'about 3 min 21 s left');
  assert.equal(timeLeftText({...GRAPH, cores: 1}, {open: OPEN, running: new Map()}), 'about 3 min 51 s left');
  // zero has 10 s left, eval 5 s: 10 + 20 + 1.
  const running = new Map([
    ['zero', 10_000],
    ['eval', 5_000],
  ]);
  const open = new Set(['zero', 'eval', 'cold', 'report']);
  assert.equal(timeLeftText(GRAPH, {open, running}), 'about 31 s left');
});

test('where some nodes never ran it is the least that is left, and where none did nothing is said', () => {
  const nodes = new Map([...GRAPH.nodes].map(([id, node]) => [id, id === 'zero' ? nodeOf(['base']) : node] as const));
  const standing = {open: OPEN, running: new Map()};
  // base + eval + report = 91 s; base + cold + report = 81 s.
  assert.equal(timeLeftText({...GRAPH, nodes}, standing), 'at least 1 min 31 s left, 1 node never ran before');
  const fresh = new Map([...GRAPH.nodes].map(([id, {needs}]) => [id, nodeOf(needs)] as const));
  assert.equal(timeLeftText({...GRAPH, nodes: fresh}, standing), undefined);
  // But of a node that runs its pace is known.
  const paced = {open: OPEN, running: new Map([['base', 7_000]])};
  assert.equal(timeLeftText({...GRAPH, nodes: fresh}, paced), 'at least 7.0 s left, 4 nodes never ran before');
});

test('what starts next is said with what it waits for', () => {
  const waiting = (open: readonly string[], ...running: string[]): string | undefined =>
    waitingText(GRAPH, {open: new Set(open), running: new Map(running.map((id) => [id, undefined]))});
  assert.equal(waiting([...OPEN], 'base'), 'zero, eval for base; 2 more behind them');
  assert.equal(waiting(['zero', 'eval', 'cold', 'report'], 'zero'), 'eval for room; cold for zero; 1 more behind them');
  assert.equal(waiting(['cold', 'eval', 'report'], 'cold', 'eval'), 'report for cold and eval');
  assert.equal(waiting(['report'], 'report'), undefined);
});

test('below the nodes stands how far the run is, and a stage shows the metrics that it names', () => {
  const nodes = [...GRAPH.nodes.keys()];
  const started = (node: string): RunEvent => ({
    ...{type: 'node-started', node, stage: 'grpo', attempt: 1, because: 'new', log: '/log', expectedMs: 120_000},
  });
  const {screen} = play(
    true,
    [
      {type: 'run-started', run: 7, recipe: 'tiny', seed: 0, nodes: 5, toRun: nodes, mayRun: [], expectedMs: 0},
      started('base'),
      {
        ...{type: 'node-finished', node: 'base', attempt: 1, log: '/log', outputs: {}},
        ...{outcome: {reason: 'succeeded'}, cost: {wallMs: 2500}},
      },
      started('zero'),
      {type: 'node-metric', node: 'zero', name: 'length', step: 1, value: 40},
      {type: 'node-metric', node: 'zero', name: 'accuracy', step: 1, value: 0.5},
      {type: 'node-metric', node: 'zero', name: 'loss', step: 1, value: 1},
    ],
    100,
    GRAPH,
  );
  assert.deepEqual(screen.block?.split('\n'), [
    'zero      accuracy 0.5  length 40  about 1 min 57 s left by earlier runs',
    'next      eval for room; cold for zero; 1 more behind them',
    'run       1 of 5 done, about 2 min 18 s left',
  ]);
});
