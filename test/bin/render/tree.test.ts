import assert from 'node:assert/strict';
import test from 'node:test';
import {treeLines} from '../../../bin/render/tree.js';

const draw = (below: Readonly<Record<string, readonly string[]>>, root: string, more: readonly string[] = []) =>
  treeLines<string>(
    {id: root, text: root},
    {
      below: (id) => (below[id] ?? []).map((child) => ({id: child, text: child})),
      more: (id) => (more.includes(id) ? '…' : undefined),
      again: ' (above)',
    },
  ).join('\n');

test('a diamond is drawn once and named the second time', () => {
  assert.equal(
    draw({d: ['b', 'c'], b: ['a'], c: ['a'], a: ['x']}, 'd'),
    ['d', '├─ b', '│  └─ a', '│     └─ x', '└─ c', '   └─ a (above)'].join('\n'),
  );
});

test('what is cut off is said where it would hang', () => {
  assert.equal(draw({d: ['b'], b: []}, 'd', ['b', 'd']), ['d', '├─ b', '│  └─ …', '└─ …'].join('\n'));
});

test('a chain of a hundred thousand nodes is drawn without running out of stack', () => {
  const length = 100_000;
  const lines = treeLines<number>(
    {id: 0, text: ''},
    {below: (id) => (id < length ? [{id: id + 1, text: ''}] : []), more: () => undefined, again: ''},
  );
  assert.equal(lines.length, length + 1);
});

test('a circle ends', () => {
  assert.equal(draw({a: ['b'], b: ['a']}, 'a'), ['a', '└─ b', '   └─ a (above)'].join('\n'));
});
