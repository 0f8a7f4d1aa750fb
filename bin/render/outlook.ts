/** What is still to come of a run: how many nodes are done, about how long the rest takes, and what waits for what. */
import type {Prepared} from '../../pipeline/plan/prepare.js';
import {needsOf, resourcesOf} from '../../pipeline/wiring/nodes.js';
import {durationText} from './quantity.js';

/** What is known of a node before it runs. */
export interface NodeOutlook {
  /** The nodes that it needs. */
  readonly needs: readonly string[];
  /** What its newest success took, milliseconds. */
  readonly expectedMs?: number;
  /** Cores that it keeps busy. */
  readonly cores: number;
  /** Metrics that are watched first. */
  readonly headline: readonly string[];
}

/** Of a whole run. */
export interface Outlook {
  /** Each after all that it needs. */
  readonly nodes: ReadonlyMap<string, NodeOutlook>;
  /** Cores that the run may keep busy. */
  readonly cores: number;
}

/** @param cores that the run may keep busy */
export function outlookOf({plan}: Pick<Prepared, 'plan'>, cores: number): Outlook {
  const nodes = new Map<string, NodeOutlook>();
  for (const [id, planned] of plan.nodes) {
    const {node} = planned;
    if (node.type === 'source') continue;
    nodes.set(id, {
      needs: needsOf(node),
      ...('expected' in planned ? {expectedMs: planned.expected.wallMs} : {}),
      cores: resourcesOf(node).cpu,
      headline: node.stage.headline ?? [],
    });
  }
  return {nodes, cores};
}

/** How a run stands, as far as its nodes have come. */
export interface Standing {
  /** Nodes that were to run and have not come to an end. */
  readonly open: ReadonlySet<string>;
  /** Milliseconds that a running node still takes, where its pace or an earlier run tells; nodes that do not run are not in it. */
  readonly running: ReadonlyMap<string, number | undefined>;
}

/**
 * `about 12 min 30 s left`, or `at least …` where some nodes never ran before: the longest chain of nodes, or all of their work shared
 * by the cores, whichever is more. Nothing where nothing is known.
 */
export function timeLeftText({nodes, cores}: Outlook, {open, running}: Standing): string | undefined {
  const chain = new Map<string, number>();
  let [longest, work, unknown, known] = [0, 0, 0, 0];
  for (const [id, node] of [...nodes].reverse()) {
    if (!open.has(id)) continue;
    const left = running.has(id) ? running.get(id) : node.expectedMs;
    if (left === undefined) unknown++;
    else known++;
    const own = left ?? 0;
    const whole = own + (chain.get(id) ?? 0);
    longest = Math.max(longest, whole);
    work += own * Math.min(node.cores, cores);
    // What it needs ends so long before the run does.
    for (const other of node.needs) chain.set(other, Math.max(chain.get(other) ?? 0, whole));
  }
  if (known === 0) return undefined;
  const ms = Math.max(longest, work / Math.max(1, cores));
  return unknown === 0
    ? `about ${durationText(ms)} left`
    : `at least ${durationText(ms)} left, ${unknown} ${unknown === 1 ? 'node' : 'nodes'} never ran before`;
}

/** Names that are listed for one reason. */
const MOST_NAMES = 3;

/** `cold-start-data, evaluate-zero-rl for zero-rl; report for 2 nodes; 14 more behind them`: what starts next, and when. */
export function waitingText({nodes}: Outlook, {open, running}: Standing): string | undefined {
  const reasons = new Map<string, string[]>();
  let behind = 0;
  for (const id of open) {
    if (running.has(id)) continue;
    const missing = (nodes.get(id)?.needs ?? []).filter((other) => open.has(other));
    if (missing.some((other) => !running.has(other))) {
      behind++;
      continue;
    }
    const reason = missing.length === 0 ? 'room' : missing.join(' and ');
    reasons.set(reason, [...(reasons.get(reason) ?? []), id]);
  }
  const parts = [...reasons].map(([reason, names]) => {
    const more = names.length - MOST_NAMES;
    const shown = more > 1 ? [...names.slice(0, MOST_NAMES), `${more} more`] : names;
    return `${shown.join(', ')} for ${reason}`;
  });
  if (behind > 0) parts.push(`${behind} more behind ${parts.length === 0 ? 'what runs' : 'them'}`);
  return parts.length === 0 ? undefined : parts.join('; ');
}
