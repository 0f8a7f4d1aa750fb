/** The costs of a run as a table, what took longest first. */
import type {CostSum, RunCost} from '../../pipeline/inspect/cost.js';
import {bytesText, durationText} from './quantity.js';
import {fittingColumns, tableText} from './table.js';

const optional = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined || value === 0 ? '' : text(value);

const HEAD = ['node', '', 'wall', 'cpu', 'memory', 'tokens', 'outputs', 'saved', 'read', 'written'];

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
    optional((userMs ?? 0) + (systemMs ?? 0), durationText),
    optional(peakBytes, bytesText),
    optional(tokens, (count) => count.toLocaleString('en-US')),
    optional(outputBytes, bytesText),
    optional(savedMs, durationText),
    optional(readBytes, bytesText),
    optional(writtenBytes, bytesText),
  ];
}

/** As many columns as fit, what was read and written last; `--json` has all. */
export function costText({nodes, total}: RunCost, {width}: {readonly width: number}): string {
  const sorted = nodes.toSorted((a, b) => b.wallMs - a.wallMs || b.savedMs - a.savedMs);
  const rows = sorted.map((node) => [
    node.node,
    node.action + (node.attempts > 1 ? ` ×${node.attempts}` : ''),
    ...cells(node),
  ]);
  const all = [HEAD, ...rows, ['total', '', ...cells(total)]];
  const shown = [0, ...fittingColumns(all, {width, order: HEAD.slice(1).map((_, index) => index + 1)})];
  const [head, ...lines] = all.map((line) => shown.map((place) => line[place]!));
  return tableText(lines, {head: head!, right: shown.slice(2).map((_, index) => index + 2)});
}
