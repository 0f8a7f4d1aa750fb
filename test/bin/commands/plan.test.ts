import assert from 'node:assert/strict';
import {test} from 'node:test';
import {planJson} from '../../../bin/render/plan.js';
import type {Plan, PlannedNode} from '../../../pipeline/plan/plan.js';

const planOf = (count: number): Plan => {
  const node = (i: number): [string, PlannedNode] => {
    const source = {type: 'source', id: `n${i}`, path: `/data/${i}`, kind: 'data', port: 'output'};
    return [`n${i}`, {action: 'source', node: source, artifact: 'f00d', because: 'it is “there”'} as never];
  };
  const nodes = new Map(Array.from({length: count}, (_, i) => node(i)));
  return {nodes, criticalPath: {nodes: ['n0'], wallMs: 5}};
};

for (const count of [0, 1, 999, 1000, 1001, 2000, 2500]) {
  test(`a plan of ${count} nodes is one line of JSON, in pieces that are never large`, () => {
    const pieces = [...planJson(planOf(count))];
    const text = pieces.join('');
    assert.match(text, /^[^\n]+\n$/);
    const read = JSON.parse(text) as {nodes: {node: string}[]; criticalPath: unknown};
    assert.deepEqual(
      read.nodes.map(({node}) => node),
      Array.from({length: count}, (_, i) => `n${i}`),
    );
    assert.deepEqual(read.criticalPath, {nodes: ['n0'], wallMs: 5});
    assert.ok(Math.max(...pieces.map(({length}) => length)) < 200_000);
    if (count > 0) {
      assert.deepEqual(read.nodes[0], {
        node: 'n0',
        action: 'source',
        because: 'it is “there”',
        path: '/data/0',
        artifact: 'f00d',
      });
    }
  });
}
