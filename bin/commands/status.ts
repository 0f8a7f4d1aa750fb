/** `r1 status`: how a run stands, node by node; of one that is going on, how far each node is. */
import {closeSync, existsSync, fstatSync, openSync, readSync} from 'node:fs';
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import type {Run, RunId, RunNode, Store} from '../../artifacts/index.js';
import {frozenPlanOf} from '../../pipeline/plan/frozen-plan.js';
import {parseEvent} from '../../pipeline/job/event-lines.js';
import type {JobEvent} from '../../pipeline/job/event-lines.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import {withGlobals} from '../options/global-options.js';
import {lastWordsOf} from '../render/last-words.js';
import {nameCell, nameColumn} from '../terminal/columns.js';
import {indented, outcomeOf, outcomeText} from '../render/failure.js';
import {durationText} from '../render/quantity.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {wholeNumber} from '../options/run-options.js';
import {createColors, oneLine} from '../terminal/paint.js';

type State =
  'done' | 'reused' | 'source' | 'running' | 'interrupted' | 'failed' | 'stopped' | 'not started' | 'waiting';

interface NodeStatus {
  readonly node: string;
  readonly state: State;
  readonly attempt?: number;
  readonly because?: string;
  readonly outcome?: string;
  /** Where it threw, and the last lines that it printed. */
  readonly place?: string;
  readonly lines?: readonly string[];
  readonly wallMs?: number;
  readonly step?: number;
  readonly total?: number;
}

export const statusCommand = (services: Services): Command =>
  withGlobals(new Command('status'), ['r1 status', 'r1 status 12 --json'])
    .description('show how a run stands')
    .argument('[run]', 'number of the run (default: the newest)', wholeNumber)
    .action((wanted: number | undefined, options: GlobalOptions) => {
      const store = services.openStore(options.store, {mode: 'read'});
      try {
        const run = wanted === undefined ? store.latestRun() : store.run(wanted as RunId);
        if (run === undefined) {
          const message = wanted === undefined ? 'nothing has run in this store yet' : `there is no run ${wanted}`;
          throw new UserError('not-found', message, {hint: wanted === undefined ? 'r1 run' : 'r1 runs lists them'});
        }
        const alive = store.isAlive(run.id);
        const nodes = statusOf(run, alive, store);
        const state = alive ? 'running' : (run.end?.outcome ?? 'interrupted');
        if (options.json === true) {
          const {id, recipe, seed, command, startedAt} = run;
          services.say(JSON.stringify({run: id, recipe, seed, command, startedAt, state, nodes}));
        } else services.say(statusText(run, state, nodes, services.colours));
      } finally {
        store.close();
      }
    });

function statusOf(run: Run, alive: boolean, store: Store): NodeStatus[] {
  const decisions = new Map(store.nodesOf(run.id).map((node) => [node.node, node]));
  const names = new Set([...Object.keys(frozenPlanOf(run).nodes), ...decisions.keys()]);
  return [...names].map((name) => {
    const decision = decisions.get(name);
    // While the run goes on, a node that was called off is one of an earlier session, and its turn may come.
    if (alive && (decision === undefined || decision.action === 'cancelled')) return {node: name, state: 'waiting'};
    if (decision === undefined) return {node: name, state: 'not started', because: 'the run ended before its turn'};
    return nodeStatus(decision, alive, store);
  });
}

function nodeStatus({node, action, attempt, because, outcome}: RunNode, alive: boolean, store: Store): NodeStatus {
  const base = {node, because, ...(attempt === undefined ? {} : {attempt})};
  if (action === 'source') return {...base, state: 'source'};
  if (action === 'cancelled') return {...base, state: 'not started'};
  if (action === 'reuse') return {...base, state: 'reused'};
  if (outcome === undefined) {
    const progress = attempt === undefined ? undefined : lastProgress(jobFiles(store.jobFolder(attempt)).events);
    return {...base, state: alive ? 'running' : 'interrupted', ...progress};
  }
  const wall = outcome.cost === undefined ? {} : {wallMs: outcome.cost.wallMs};
  if (outcome.ok) return {...base, state: 'done', ...wall};
  const state = outcome.reason === 'stopped' ? 'stopped' : 'failed';
  const {place, lines} =
    attempt === undefined ? {lines: []} : lastWordsOf(outcomeOf(outcome), jobFiles(store.jobFolder(attempt)).log);
  return {
    ...base,
    state,
    outcome: outcomeText(outcomeOf(outcome)),
    ...(place === undefined ? {} : {place}),
    ...(lines.length === 0 ? {} : {lines}),
    ...wall,
  };
}

const TAIL = 1 << 16;

/** The newest progress event: it lies in the end of the file, however long the run has been. */
function lastProgress(file: string): {step: number; total: number} | undefined {
  if (!existsSync(file)) return undefined;
  const fd = openSync(file, 'r');
  try {
    const {size} = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(TAIL, size));
    const got = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    const events = buffer.toString('utf8', 0, got).split('\n').map(parseEvent);
    const last = events.findLast((event): event is JobEvent & {type: 'progress'} => event?.type === 'progress');
    return last === undefined ? undefined : {step: last.step, total: last.total};
  } finally {
    closeSync(fd);
  }
}

function statusText(run: Run, state: string, nodes: readonly NodeStatus[], colours: boolean): string {
  const paint = createColors(colours);
  const colour: Partial<Record<State, (text: string) => string>> = {
    done: paint.green,
    running: paint.cyan,
    failed: paint.red,
    stopped: paint.yellow,
    interrupted: paint.yellow,
  };
  const wide = nameColumn(
    nodes.map(({node}) => node),
    4,
  );
  const lines = nodes.flatMap(({node, state: is, because, outcome, place, lines: said = [], wallMs, step, total}) => {
    const text = [
      ...(step === undefined || total === undefined ? [] : [`step ${step} of ${total}`]),
      ...(wallMs === undefined ? [] : [`in ${durationText(wallMs)}`]),
      ...(outcome !== undefined ? [indented(outcome, wide + 2)] : because === undefined ? [] : [oneLine(because)]),
    ].join('  ');
    const below = [
      ...(place === undefined ? [] : [`at ${place}`]),
      ...said.map((line) => paint.dim(oneLine(`| ${line}`))),
    ];
    return [
      `${nameCell(node, wide)}  ${(colour[is] ?? paint.dim)(is.padEnd(11))}  ${text}`.trimEnd(),
      ...below.map((line) => `${' '.repeat(wide + 2)}${line}`),
    ];
  });
  const next = state === 'succeeded' || state === 'running' ? [] : ['', `r1 resume ${run.id} goes on with it`];
  return [oneLine(`run ${run.id}: ${run.recipe}, seed ${run.seed}: ${state}`), ...lines, ...next].join('\n');
}
