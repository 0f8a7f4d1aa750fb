/** Printed numbers by their values. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {sameDecimals} from '../../../../stages/graders/code/same-decimals.js';

test('lines of numbers are the same by their values, other lines as they are written', () => {
  for (const [one, other] of [
    ['1.0 2', '1 2.00'],
    ['-0', '0'],
    ['1e3\n', '1000'],
    ['.5', '0.50'],
    [' yes ', 'yes'],
    ['007', '7'],
    ['100000000000000000000000000000.10', '100000000000000000000000000000.1'],
  ] as const)
    assert.equal(sameDecimals(one, other), true, `${one} and ${other}`);
  for (const [one, other] of [
    ['1', '1.0000000000000000000001'],
    ['1 2', '1'],
    ['yes', 'Yes'],
    ['1\n2', '1 2'],
    ['x 1.0', 'x 1'],
    ['-1', '1'],
    ['', '0'],
    ['10', '1'],
  ] as const)
    assert.equal(sameDecimals(one, other), false, `${one} and ${other}`);
});
