/** `r1 runs`: what was run, and how it ended. */
import {Command} from 'commander';
import type {Run, Store} from '../../artifacts/index.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {count} from '../options/numbers.js';
import {withStore} from '../access/with-store.js';

interface RunSummary {
  readonly run: number;
  readonly recipe: string;
  readonly seed: number;
  readonly command: string;
  readonly startedAt: number;
  /** 'running', the runner's word for how it ended, or 'interrupted' when its process died. */
  readonly state: string;
  readonly endedAt: number | undefined;
  readonly sessions: number;
  readonly ran: number;
  readonly reused: number;
  readonly failed: number;
  readonly cancelled: number;
}

function summaryOf(store: Store, run: Run): RunSummary {
  const nodes = store.nodesOf(run.id);
  const number = (wanted: (node: (typeof nodes)[number]) => boolean): number => nodes.filter(wanted).length;
  const state = store.isAlive(run.id) ? 'running' : (run.end?.outcome ?? 'interrupted');
  return {
    run: run.id,
    recipe: run.recipe,
    seed: run.seed,
    command: run.command,
    startedAt: run.startedAt,
    state,
    endedAt: run.end?.at,
    sessions: run.sessions,
    ran: number(({action, outcome}) => action === 'run' && outcome?.ok === true),
    reused: number(({action}) => action === 'reuse'),
    failed: number(({action, outcome}) => action === 'run' && outcome?.ok === false),
    cancelled: number(({action}) => action === 'cancelled'),
  };
}

export const runsCommand = (services: Services): Command =>
  withGlobals(new Command('runs'), ['r1 runs', 'r1 runs --limit 0 --json'])
    .description('the runs of the store, newest first')
    .option('--limit <n>', 'at most so many; 0 for all', count, 20)
    .action(async ({limit, json, ...options}: GlobalOptions & {readonly limit: number}) => {
      await withStore(services, options, 'read', async (store) => {
        const runs = store.runs(limit === 0 ? -1 : limit).map((run) => summaryOf(store, run));
        if (json === true) {
          services.say(JSON.stringify(runs));
          return;
        }
        if (runs.length === 0) {
          services.say('nothing has been run yet: `r1 run`');
          return;
        }
        const {tableText} = await import('../render/table.js');
        const {durationText} = await import('../render/quantity.js');
        const {whenText} = await import('../render/when.js');
        const rows = runs.map(({run, recipe, seed, startedAt, endedAt, state, ran, reused, failed, cancelled}) =>
          [
            String(run),
            recipe,
            String(seed),
            whenText(startedAt),
            state,
            endedAt === undefined ? '' : durationText(endedAt - startedAt),
            [ran, reused, failed, cancelled].map((value) => (value === 0 ? '' : String(value))),
          ].flat(),
        );
        services.say(
          tableText(rows, {
            head: ['run', 'recipe', 'seed', 'started', 'state', 'took', 'ran', 'reused', 'failed', 'cancelled'],
            right: [0, 2, 5, 6, 7, 8, 9],
          }),
        );
      });
    });
