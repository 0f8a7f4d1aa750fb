/**
 * A run as it happens: on a terminal one line per running node below the finished ones, elsewhere plain lines, with
 * `--json` the events themselves. Redraws at most some times a second, whatever the stages emit.
 */
import type {
  NodeFinished,
  NodeProgress,
  NodeStarted,
  NodeStopping,
  RunEvent,
  RunFinished,
  RunStarted,
  Warning,
} from '../../pipeline/events.js';
import {isSuccess} from '../../pipeline/outcome.js';
import type {Failure} from '../../pipeline/outcome.js';
import type {Services} from '../cli-context.js';
import {nameCell, nameColumn, widthOf} from '../terminal/columns.js';
import {checkpointText, earlyText, indented, nextStep, outcomeText} from './outcome.js';
import {timeLeftText, waitingText} from './outlook.js';
import type {Outlook} from './outlook.js';
import {durationText} from './quantity.js';
import {hintOf} from './hints.js';
import {isInLog, lastWordsOf} from '../../pipeline/inspect/last-words.js';
import {isTensorflowNote} from '../../stages/tensorflow/native-notes.js';
import {createColors, oneLine} from '../terminal/paint.js';

export interface RunView {
  show(event: RunEvent): void;
}

const REDRAW = 100;
const TICK = 1000;
/** Without a terminal, progress of a node is said this often, ms. */
const PLAIN_EVERY = 15_000;
/** tokens/s and ETA are taken over this span, so that they follow a stage that changes pace, ms. */
const PACE_SPAN = 20_000;
const MOST_METRICS = 4;

interface RunningNode {
  readonly started: number;
  readonly event: NodeStarted;
  readonly metrics: Map<string, number>;
  readonly marks: NodeProgress[];
  said: number;
}

export function jsonView({say}: Pick<Services, 'say'>): RunView {
  return {show: (event) => say(JSON.stringify(eventJson(event)))};
}

const warningText = ({text, remedy}: Warning): string => [text, hintOf({remedy}) ?? []].flat().join('; ');

/** What to do next is said in words, as on a terminal. */
function eventJson(event: RunEvent): unknown {
  if (event.type === 'warning') return {type: event.type, text: warningText(event)};
  if (event.type !== 'node-finished' && event.type !== 'node-failed') return event;
  if (event.outcome.reason !== 'store-failed') return event;
  const {remedy, ...outcome} = event.outcome;
  return {...event, outcome: {...outcome, hint: hintOf({...outcome, remedy})}};
}

/** What a view is told beside the events. */
export interface ViewOptions {
  readonly clock?: () => number;
  /** What is to come, for the lines below those of the nodes. */
  readonly outlook?: Outlook | undefined;
}

export function textView(services: Services, live: boolean, {clock = Date.now, outlook}: ViewOptions = {}): RunView {
  const paint = createColors(services.colours);
  const running = new Map<string, RunningNode>();
  /** Nodes that are to run, or may have to, and have not come to an end; how many of them there were, are done and failed. */
  const open = new Set<string>();
  const count = {all: 0, done: 0, failed: 0};
  let run = 0;
  let wide = 8;
  let drawn = 0;
  let pending: NodeJS.Timeout | undefined;
  // A stage that says nothing for a while should not look dead.
  const ticker = live ? setInterval(draw, TICK).unref() : undefined;

  return {
    show(event) {
      take(event);
      if (live) redraw(event.type === 'run-finished');
    },
  };

  function take(event: RunEvent): void {
    switch (event.type) {
      case 'run-started':
        run = event.run;
        wide = nameColumn([...event.toRun, ...event.mayRun], wide);
        for (const node of [...event.toRun, ...event.mayRun]) open.add(node);
        count.all = open.size;
        services.complain(headline(event));
        break;
      case 'node-waiting': {
        const whose = event.run === run ? 'another node' : `run ${event.run}`;
        printLine(event.node, paint.dim(`waits for ${whose}, which is doing the same work`));
        break;
      }
      case 'node-started': {
        running.set(event.node, {started: clock(), event, metrics: new Map(), marks: [], said: clock()});
        printLine(event.node, startText(event));
        break;
      }
      case 'node-progress':
        progress(event);
        break;
      case 'node-metric': {
        const metrics = running.get(event.node)?.metrics;
        metrics?.delete(event.name); // to the end, as the newest
        metrics?.set(event.name, event.value);
        break;
      }
      case 'node-note':
        printLine(event.node, event.text);
        break;
      case 'node-stopping':
        printLine(event.node, paint.dim(stoppingText(event)));
        break;
      case 'node-finished':
        running.delete(event.node);
        settle(event.node, isSuccess(event.outcome) ? 'done' : 'failed');
        if (live) draw();
        printFinished(event);
        break;
      case 'node-failed':
        running.delete(event.node);
        settle(event.node, 'failed');
        if (live) draw();
        printFailed(event.node, event.outcome);
        break;
      case 'node-reused':
        settle(event.node, 'done');
        // The hits of the plan are counted in the first line; one that shows on the way is news.
        if (!event.planned) printLine(event.node, paint.dim(`reused: ${event.because}`));
        break;
      case 'warning':
        services.complain(paint.yellow(warningText(event)));
        break;
      case 'stop-asked':
        services.complain(
          event.how === 'kill'
            ? 'ending at once'
            : 'stopping: stages write a checkpoint and end; press Ctrl-C again to end them at once',
        );
        break;
      case 'run-finished':
        clearTimeout(pending);
        clearInterval(ticker);
        services.progress(undefined);
        services.complain(closing(event));
        break;
      case 'node-cancelled':
        open.delete(event.node);
        break;
      case 'node-source':
      case 'node-checkpoint':
        break;
    }
  }

  function settle(node: string, how: 'done' | 'failed'): void {
    if (open.delete(node)) count[how]++;
  }

  function printLine(node: string, text: string): void {
    services.complain(`${paint.bold(nameCell(node, wide))}  ${indented(text, wide + 2)}`);
  }

  function progress(event: NodeProgress): void {
    const node = running.get(event.node);
    if (node === undefined) return;
    node.marks.push(event);
    while (node.marks.length > 2 && event.at - node.marks[1]!.at > PACE_SPAN) node.marks.shift();
    if (live || clock() - node.said < PLAIN_EVERY) return;
    node.said = clock();
    printLine(event.node, statusText(node, clock()));
  }

  function printFinished({node, params, outcome, cost, log}: NodeFinished): void {
    if (isSuccess(outcome)) {
      const took = durationText(cost.wallMs);
      const early = outcome.reason === 'succeeded' ? '' : paint.yellow(`: ${earlyText(outcome)}`);
      const left = outcome.leftovers?.map(({command}) => command) ?? [];
      printLine(node, `${paint.green('done')} in ${took}${early}`);
      if (left.length > 0)
        printLine(node, paint.yellow(`left processes running, which were ended: ${left.join('; ')}`));
      return;
    }
    printFailed(node, outcome, {log, params});
  }

  function printFailed(
    node: string,
    outcome: Failure,
    {log, params}: {log?: string | undefined; params?: readonly string[] | undefined} = {},
  ): void {
    const text = outcomeText(outcome);
    printLine(node, outcome.reason === 'stopped' ? paint.yellow(text) : `${paint.red('failed')}: ${text}`);
    if (log !== undefined) {
      const {place, lines} = lastWordsOf(outcome, log, {leaveOut: isTensorflowNote});
      if (place !== undefined) printLine('', `at ${place}`);
      for (const said of lines) printLine('', paint.dim(`| ${said}`));
      if (isInLog(outcome)) printLine('', `log: ${log}`);
    }
    // Who stopped it by hand knows what to do.
    if (outcome.reason !== 'stopped' || typeof outcome.by === 'object')
      printLine('', `next: ${nextStep(node, outcome, run, params)}`);
  }

  function redraw(last: boolean): void {
    if (last) return;
    const now = clock();
    if (now - drawn < REDRAW) {
      pending ??= setTimeout(draw, REDRAW - (now - drawn));
      return;
    }
    draw();
  }

  function draw(): void {
    clearTimeout(pending);
    pending = undefined;
    drawn = clock();
    const lines = [...running.values()].map((node) => {
      const headline = outlook?.nodes.get(node.event.node)?.headline;
      const text = statusText(node, drawn, {width: services.progressWidth - wide - 2, headline});
      return `${paint.bold(nameCell(node.event.node, wide))}  ${oneLine(text)}`;
    });
    services.progress(lines.length === 0 ? undefined : [...lines, ...wholeLines()].join('\n'));
  }

  /** Below the nodes: how far the run is, how long it still takes, and what comes next. */
  function wholeLines(): readonly string[] {
    if (outlook === undefined || count.all < 2) return [];
    const left = [...running].map(([id, node]) => [id, leftOf(node, paceOf(node), drawn)] as const);
    const standing = {open, running: new Map(left)};
    const waiting = waitingText(outlook, standing);
    const parts = [
      `${count.done} of ${count.all} done`,
      ...(count.failed === 0 ? [] : [`${count.failed} failed`]),
      timeLeftText(outlook, standing) ?? [],
    ].flat();
    return [
      ...(waiting === undefined ? [] : [`${nameCell('next', wide)}  ${oneLine(waiting)}`]),
      `${nameCell('run', wide)}  ${parts.join(', ')}`,
    ].map(paint.dim);
  }
}

function headline({run, recipe, seed, nodes, toRun, mayRun, expectedMs}: RunStarted): string {
  const parts = [`run ${run}: ${recipe}, seed ${seed}`];
  if (toRun.length + mayRun.length === 0) parts.push(`all ${nodes} nodes are up to date`);
  else {
    parts.push(`${toRun.length} of ${nodes} nodes to run`);
    if (mayRun.length > 0) parts.push(`up to ${mayRun.length} more`);
    if (expectedMs > 0) parts.push(`about ${durationText(expectedMs)} by earlier runs`);
  }
  return parts.join(', ');
}

function startText({because, continues, adopted, ended, attempt}: NodeStarted): string {
  if (ended === true)
    return `continues: its process had ended, and nobody had recorded what came of it (attempt ${attempt})`;
  if (adopted === true) return `continues: its process outlived the runner that began it (attempt ${attempt})`;
  return `started: ${because}${checkpointText(continues)}`;
}

const stoppingText = ({seconds, forCheckpoint}: NodeStopping): string =>
  `is asked to stop: has up to ${durationText(seconds * 1000)}${forCheckpoint === true ? ' to write a checkpoint' : ''}`;

/** `step 20 of 50  loss 1.23  3,400 tokens/s  40 s left`: in few columns without the metrics for which there is no room. */
function statusText(
  node: RunningNode,
  now: number,
  {width = Infinity, headline = []}: {readonly width?: number; readonly headline?: readonly string[] | undefined} = {},
): string {
  const at = node.marks.at(-1);
  const step = at === undefined ? [] : [`step ${at.step} of ${at.total}`];
  const pace = paceOf(node);
  const tokens = pace?.tokens === undefined ? [] : [`${Math.round(pace.tokens).toLocaleString('en')} tokens/s`];
  const left = timeText(node, pace, now);
  const watched = headline.flatMap((name) => {
    const value = node.metrics.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const shown = watched.length > 0 ? watched : [...node.metrics].slice(-MOST_METRICS);
  const metrics = shown.map(([name, value]) => `${name} ${numberText(value)}`);
  const line = (): string => [...step, ...metrics, ...tokens, left].join('  ');
  while (metrics.length > 0 && widthOf(line()) > width) metrics.pop();
  if (widthOf(line()) > width) tokens.pop();
  return line();
}

/** Of what the node reports now, else of earlier runs, else how long it has run. */
function timeText(node: RunningNode, pace: Pace | undefined, now: number): string {
  const left = leftOf(node, pace, now);
  if (left === undefined) return `running for ${durationText(now - node.started)}`;
  return pace === undefined ? `about ${durationText(left)} left by earlier runs` : `${durationText(left)} left`;
}

/** Milliseconds, of its pace or by earlier runs; undefined where neither is known. */
function leftOf({marks, event, started}: RunningNode, pace: Pace | undefined, now: number): number | undefined {
  const at = marks.at(-1);
  if (pace !== undefined && at !== undefined) return (at.total - at.step) * pace.msPerStep;
  return event.expectedMs === undefined ? undefined : Math.max(0, event.expectedMs - (now - started));
}

interface Pace {
  readonly msPerStep: number;
  /** Per second. */
  readonly tokens?: number;
}

function paceOf({marks}: RunningNode): Pace | undefined {
  const first = marks[0];
  const last = marks.at(-1);
  if (first === undefined || last === undefined || last.step <= first.step || last.at <= first.at) return undefined;
  const ms = last.at - first.at;
  const tokens =
    first.tokens === undefined || last.tokens === undefined ? undefined : ((last.tokens - first.tokens) / ms) * 1000;
  return {msPerStep: ms / (last.step - first.step), ...(tokens === undefined ? {} : {tokens})};
}

function numberText(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || (size >= 100 && size < 1e5)) return String(Math.round(value));
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

function closing({run, outcome, ran, reused, failed, stopped, cancelled, wallMs, expectedMs}: RunFinished): string {
  const parts = [`${ran} ran`, `${reused} reused`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (stopped > 0) parts.push(`${stopped} stopped`);
  if (cancelled > 0) parts.push(`${cancelled} not started`);
  // Prediction and event side by side, where all that was predicted took place.
  const expected = outcome === 'succeeded' && expectedMs > 0 ? ` (${durationText(expectedMs)} expected)` : '';
  const next = outcome === 'stopped' ? `; r1 resume ${run} continues it` : '';
  return `run ${run} ${outcome} in ${durationText(wallMs)}${expected}: ${parts.join(', ')}${next}`;
}
