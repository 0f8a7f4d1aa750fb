/** What a run cost as a table: sorted, with operations, as wide as there is room. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {costCommand} from '../../../bin/commands/cost.js';
import {costText, countedCost, sortedCost} from '../../../bin/render/cost.js';
import {operationsText} from '../../../bin/render/quantity.js';
import type {NodeCost, RunCost} from '../../../pipeline/inspect/cost.js';
import type {RunId} from '../../../artifacts/index.js';
import {Bench} from '../../artifacts/temporary.js';
import {spoken} from '../spoken.js';

const node = (name: string, wallMs: number, more: Partial<NodeCost> = {}): NodeCost => ({
  ...{node: name, action: 'run', attempts: 1, wallMs, outputBytes: 0, savedMs: 0},
  ...more,
});
const NODES = [node('base', 60_000, {tokens: 1_234_567}), node('zero', 90_000), node('report', 1_000)];
const COST: RunCost = {
  run: 1 as RunId,
  nodes: NODES,
  total: {wallMs: 151_000, tokens: 1_234_567, outputBytes: 0, savedMs: 0},
};
// 100 parameters: 6 × 100 × 10 trained, and 2 × 100 × 5 generated.
const counted = countedCost(
  COST,
  new Map([
    ['base', {operations: 6_000, trainedTokens: 10, generatedTokens: 0}],
    ['zero', {operations: 1_000, trainedTokens: 0, generatedTokens: 5}],
  ]),
);

test('the most expensive node comes first, or the order of the recipe', () => {
  const names = (order: Parameters<typeof sortedCost>[1]): string =>
    sortedCost(counted, order)
      .nodes.map((one) => one.node)
      .join(' ');
  assert.equal(names('wall'), 'zero base report');
  assert.equal(names('flops'), 'base zero report');
  assert.equal(names('tokens'), 'base zero report');
  // What a node told while it ran counts before what its card says, which is all that there is of a node that told nothing.
  assert.deepEqual(
    counted.nodes.map(({tokens}) => tokens),
    [1_234_567, 5, undefined],
  );
  assert.equal(counted.total.tokens, 1_234_572);
  assert.equal(names('recipe'), 'base zero report');
  assert.equal(counted.total.operations, 7_000);
});

test('columns in which nothing stands are left out, and what there is no room for is said', () => {
  const wide = costText(counted, {width: 100});
  assert.match(wide, /^node +wall +tokens +FLOPs$/m);
  assert.match(wide, /^base +run +1 min 00 s +1,234,567 +6\.00 k$/m);
  assert.match(wide, /^total +2 min 31 s +1,234,572 +7\.00 k$/m);
  assert.match(wide, /6 × parameters × tokens trained on/);
  const full = countedCost(
    {
      ...COST,
      nodes: NODES.map((one) => ({
        ...one,
        userMs: 5_000,
        systemMs: 100,
        readBytes: 9e6,
        writtenBytes: 9e6,
        peakBytes: 9e8,
      })),
    },
    new Map(),
  );
  const least = costText(full, {width: 22});
  assert.match(least, /^node +wall\nbase +1 min 00 s\n/);
  assert.match(least.replaceAll('\n', ' '), /memory, tokens: a wider/);
  const narrow = costText(full, {width: 60});
  for (const line of narrow.split('\n')) assert.ok(line.length <= 60, line);
  assert.match(narrow, /no room for system, read: a wider terminal or --json has\nthem$/);
});

test('operations are said in three digits', () => {
  assert.deepEqual([0, 950, 1_500, 999_600, 12.3e9, 4.2e15, 5e21].map(operationsText), [
    '0',
    '950',
    '1.50 k',
    '1.00 M',
    '12.3 G',
    '4.20 P',
    '5.00e+3 E',
  ]);
});

test('operations are counted from the card of what a node made, once, and not of what was reused', async (t) => {
  const bench = new Bench(t);
  const card = JSON.stringify({parameters: 100, trainedTokens: 10, generatedTokens: 4, scoredTokens: 1});
  const files = {'card.json': card, 'rows.jsonl': '{"id":"a"}\n'};
  await bench.make({
    node: 'zero',
    outputs: {history: {kind: 'history', files}, rollouts: {kind: 'rollouts', files: {...files, 'b.txt': 'b'}}},
  });
  await bench.make({node: 'odd', outputs: {data: {kind: 'dataset', files: {'card.json': 'no JSON'}}}});
  const json = JSON.parse((await spoken(costCommand, bench.folder, ['--json'])).out) as {
    nodes: {node: string; operations?: number}[];
    total: {operations: number};
  };
  assert.deepEqual(
    json.nodes.map((one) => [one.node, one.operations]),
    [
      ['zero', 7_000],
      ['odd', undefined],
    ],
  );
  assert.equal(json.total.operations, 7_000);
});
