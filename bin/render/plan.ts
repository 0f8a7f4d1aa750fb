/** A plan as lines: what would run, be reused, or depend on what runs, why, and how long it took before. */
import {helpOf, planWarningText} from '../../pipeline/plan/warnings.js';
import type {PlanWarning} from '../../pipeline/plan/warnings.js';
import type {EnvironmentNeed} from '../../pipeline/plan/environments.js';
import type {GraderNeed} from '../access/grader-needs.js';
import type {Expected, Plan, PlannedNode} from '../../pipeline/plan/plan.js';
import {hintOf} from './hints.js';
import {checkpointText} from './outcome.js';
import {bytesText, durationText} from './quantity.js';
import {createColors, oneLine} from '../terminal/paint.js';
import {WIDEST_NAME, clip, nameCell, nameColumn} from '../terminal/columns.js';

export interface PlanLines {
  readonly colours: boolean;
  readonly width: number;
}

export function planText(plan: Plan, {colours}: PlanLines, warnings: readonly PlanWarning[] = []): string {
  const paint = createColors(colours);
  const nodes = [...plan.nodes];
  const wide = nameColumn(plan.nodes.keys(), 4);
  const lines = nodes.map(([id, planned]) => {
    const expected = 'expected' in planned ? expectedText(planned.expected) : '';
    const action = WORD[planned.action];
    const coloured =
      planned.action === 'run'
        ? paint.yellow(action)
        : planned.action === 'maybe'
          ? paint.cyan(action)
          : paint.dim(action);
    return `${nameCell(id, wide)}  ${coloured}  ${oneLine(becauseText(planned))}${expected === '' ? '' : paint.dim(`  ${expected}`)}`;
  });
  const notes = warnings.map((warning) => {
    const text = [planWarningText(warning), hintOf(helpOf(warning)) ?? []].flat().join('; ');
    return `${paint.yellow('warning')}: ${oneLine(text)}`;
  });
  return [...lines, '', ...notes, ...(notes.length > 0 ? [''] : []), summary(plan)].join('\n');
}

/** A plan does not read checkpoints: whether their bytes are whole shows when one is started from. */
function becauseText(planned: PlannedNode): string {
  if (planned.action !== 'run' || planned.continues === undefined) return planned.because;
  return `${planned.because}${checkpointText(planned.continues)} if its bytes are whole`;
}

const WORD: Readonly<Record<PlannedNode['action'], string>> = {
  run: 'run   ',
  reuse: 'reuse ',
  maybe: 'maybe ',
  source: 'source',
};

function expectedText(expected: Expected | undefined): string {
  if (expected === undefined) return '';
  const {wallMs, peakBytes, outputBytes} = expected;
  const parts = [`took ${durationText(wallMs)}`];
  if (peakBytes !== undefined) parts.push(`${bytesText(peakBytes)} memory`);
  if (outputBytes !== undefined) parts.push(`${bytesText(outputBytes)} out`);
  return `(${parts.join(', ')})`;
}

function summary({nodes, criticalPath}: Plan): string {
  const count = {run: 0, reuse: 0, maybe: 0, source: 0};
  let unknown = 0;
  for (const planned of nodes.values()) {
    count[planned.node.type === 'source' ? 'source' : planned.action]++;
    if ((planned.action === 'run' || planned.action === 'maybe') && planned.expected === undefined) unknown++;
  }
  if (count.run + count.maybe === 0) return `nothing to do: ${count.reuse} of ${count.reuse} nodes are up to date`;
  const parts = [
    `${count.run} to run`,
    ...(count.maybe > 0 ? [`up to ${count.maybe} more`] : []),
    `${count.reuse} to reuse`,
  ];
  const time =
    criticalPath.wallMs === 0
      ? 'no time known'
      : `about ${durationText(criticalPath.wallMs)} along ${pathText(criticalPath.nodes)}`;
  return `${parts.join(', ')}; ${time}${unknown > 0 && criticalPath.wallMs > 0 ? ` (${unknown} nodes never ran before)` : ''}`;
}

/** Names on a path that is longer than this are left out in its middle. */
const LONGEST_PATH = 24;

function pathText(nodes: readonly string[]): string {
  const names = nodes.map((node) => clip(oneLine(node), WIDEST_NAME));
  const half = LONGEST_PATH / 2;
  const shown =
    names.length <= LONGEST_PATH
      ? names
      : [...names.slice(0, half), `… ${names.length - LONGEST_PATH} more …`, ...names.slice(-half)];
  return shown.join(' → ');
}

/** So many nodes make a piece. */
const PIECE = 1000;

/** The plan as JSON, piece by piece: the whole of a large one would take as much memory as the plan itself. */
export function* planJson(
  {nodes, criticalPath}: Plan,
  warnings: readonly PlanWarning[] = [],
  graders: readonly GraderNeed[] = [],
  environments: readonly EnvironmentNeed[] = [],
): Generator<string> {
  yield '{"nodes":[';
  let piece: string[] = [];
  let before = '';
  for (const [node, planned] of nodes) {
    piece.push(JSON.stringify(nodeJson(node, planned)));
    if (piece.length < PIECE) continue;
    yield `${before}${piece.join(',')}`;
    piece = [];
    before = ',';
  }
  if (piece.length > 0) yield `${before}${piece.join(',')}`;
  yield `],"criticalPath":${JSON.stringify(criticalPath)},"warnings":${JSON.stringify(warnings)},"graders":${JSON.stringify(graders)},"environments":${JSON.stringify(environments)}}\n`;
}

/** One shape for all, as that is quickest; what is `undefined` does not come out. */
const nodeJson = (node: string, planned: PlannedNode): unknown => ({
  node,
  action: planned.action,
  because: planned.because,
  stage: planned.node.type === 'stage' ? planned.node.stage.name : undefined,
  path: planned.node.type === 'stage' ? undefined : planned.node.path,
  fingerprint: 'fingerprint' in planned ? planned.fingerprint : undefined,
  attempt: 'attempt' in planned ? planned.attempt : undefined,
  continues: 'continues' in planned ? planned.continues : undefined,
  outputs: 'outputs' in planned ? planned.outputs : undefined,
  artifact: 'artifact' in planned ? planned.artifact : undefined,
  on: 'on' in planned ? planned.on : undefined,
  expected: 'expected' in planned ? planned.expected : undefined,
});
