/** The costs of a run as a table. */
import type {CostSum, RunCost} from '../../pipeline/inspect/cost.js';
import {bytesText, durationText} from './quantity.js';
import {tableText} from './table.js';

const optional = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined || value === 0 ? '' : text(value);

function cells({
  wallMs,
  userMs,
  systemMs,
  peakBytes,
  readBytes,
  writtenBytes,
  tokens,
  outputBytes,
  savedMs,
}: CostSum): readonly string[] {
  return [
    optional(wallMs, durationText),
    optional(userMs, durationText),
    optional(systemMs, durationText),
    optional(peakBytes, bytesText),
    optional(readBytes, bytesText),
    optional(writtenBytes, bytesText),
    optional(tokens, (count) => count.toLocaleString('en-US')),
    optional(outputBytes, bytesText),
    optional(savedMs, durationText),
  ];
}

export function costText({nodes, total}: RunCost): string {
  const rows = nodes.map((node) => [
    node.node,
    node.action + (node.attempts > 1 ? ` ×${node.attempts}` : ''),
    ...cells(node),
  ]);
  return tableText([...rows, ['total', '', ...cells(total)]], {
    head: ['node', '', 'wall', 'user', 'system', 'memory', 'read', 'written', 'tokens', 'outputs', 'saved'],
    right: [2, 3, 4, 5, 6, 7, 8, 9, 10],
  });
}
