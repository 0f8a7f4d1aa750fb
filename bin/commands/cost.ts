/** `r1 cost`: what the nodes of a run cost, failed attempts included, and what reuse has saved. */
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import type {Cost, RunId, RunNode, Store} from '../../artifacts/index.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {count} from '../options/numbers.js';
import {withStore} from '../access/with-store.js';

interface NodeCost extends Cost {
  readonly node: string;
  readonly action: RunNode['action'];
  /** How often the run tried it. */
  readonly attempts: number;
  readonly outputBytes: number;
  /** For a reused node: what it had cost to make. */
  readonly savedMs: number;
}

type Measure = Exclude<keyof Cost, 'wallMs'>;
const MEASURES: readonly Measure[] = ['userMs', 'systemMs', 'peakBytes', 'readBytes', 'writtenBytes', 'tokens'];

/** Sums, except that memory is not used up: there the highest counts. */
function total(costs: readonly Cost[]): Cost {
  const measures = MEASURES.flatMap((measure) => {
    const known = costs.map((cost) => cost[measure]).filter((value) => value !== undefined);
    if (known.length === 0) return [];
    return [[measure, known.reduce((a, b) => (measure === 'peakBytes' ? Math.max(a, b) : a + b))] as const];
  });
  return {wallMs: costs.reduce((sum, {wallMs}) => sum + wallMs, 0), ...Object.fromEntries(measures)};
}

function costOf(store: Store, node: RunNode): NodeCost {
  const tried = store.attemptsOf(node.run, node.node);
  const used = node.attempt === undefined ? undefined : store.attempt(node.attempt);
  // An attempt that was taken over from a dead runner was begun by another run.
  const mine =
    node.action === 'run' && used !== undefined && !tried.some(({id}) => id === used.id) ? [...tried, used] : tried;
  const costs = mine.flatMap(({outcome}) => (outcome?.cost === undefined ? [] : [outcome.cost]));
  return {
    node: node.node,
    action: node.action,
    attempts: mine.length,
    ...total(costs),
    outputBytes: used?.outputs.reduce((sum, {bytes}) => sum + bytes, 0) ?? 0,
    savedMs: node.action === 'reuse' ? (used?.outcome?.cost?.wallMs ?? 0) : 0,
  };
}

export const costCommand = (services: Services): Command =>
  withGlobals(new Command('cost'), ['r1 cost', 'r1 cost 3 --json'])
    .description('what each node of a run cost: time, memory, bytes, tokens')
    .argument('[run]', 'number of the run (default: the newest)', count)
    .action(async (wanted: number | undefined, {json, ...options}: GlobalOptions) => {
      await withStore(services, options, 'read', async (store) => {
        const run = wanted === undefined ? store.latestRun() : store.run(wanted as RunId);
        if (run === undefined) {
          throw new UserError(
            'not-found',
            wanted === undefined ? 'nothing has been run yet' : `there is no run ${wanted}`,
            {hint: wanted === undefined ? '`r1 run` begins' : '`r1 runs` lists them'},
          );
        }
        const nodes = store.nodesOf(run.id).map((node) => costOf(store, node));
        const sum = {
          ...total(nodes),
          outputBytes: nodes.reduce((all, {outputBytes}) => all + outputBytes, 0),
          savedMs: nodes.reduce((all, {savedMs}) => all + savedMs, 0),
        };
        if (json === true) {
          services.say(JSON.stringify({run: run.id, nodes, total: sum}));
          return;
        }
        const {costText} = await import('../render/cost.js');
        services.say(costText(nodes, sum));
      });
    });

export type {NodeCost};
