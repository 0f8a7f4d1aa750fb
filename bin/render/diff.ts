/** Differences between runs, and between artifacts, for people. */
import type {ArtifactDifference} from '../../artifacts/queries/diff-artifacts.js';
import type {Cause, NodeDifference, RunDifference} from '../../artifacts/queries/diff-runs.js';
import type {Json} from '../../artifacts/index.js';
import type {Named} from '../../artifacts/queries/diff-rows.js';
import type {TensorsDifference} from '../../artifacts/queries/diff-tensors.js';
import {axisNumber} from './chart.js';
import {createColors, oneLine} from '../terminal/paint.js';

const DIGEST = /^[0-9a-f]{64}$/;

function valueText(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return DIGEST.test(value) ? `@${value.slice(0, 8)}` : value;
  return JSON.stringify(value);
}

/** `param learningRate 0.1 → 0.2` */
export function causeText({what, name, a, b}: Cause): string {
  const subject = name === '' ? what : `${what} ${name}`;
  return `${subject}  ${valueText(a)} → ${valueText(b)}`;
}

function namedText(what: string, {count, ids}: Named): readonly string[] {
  if (count === 0) return [];
  const more = count > ids.length ? ` … and ${count - ids.length} more` : '';
  return [`${count} ${what}: ${ids.join(', ')}${more}`];
}

/** More tensors than this are only counted. */
const TENSORS = 5;

function tensorsText({equal, changed, added, gone, reshaped}: TensorsDifference): readonly string[] {
  const total = equal + changed.length + added.length + gone.length + reshaped.length;
  if (changed.length + added.length + gone.length + reshaped.length === 0) return [`all ${equal} tensors are equal`];
  return [
    `${changed.length} of ${total} tensors differ${changed[0]?.largest === undefined ? '' : `, by ${axisNumber(changed[0].largest)} at most`}`,
    ...changed
      .slice(0, TENSORS)
      .map(
        ({name, largest, values, at}) =>
          `  ${name}: ${values} values${largest === undefined ? '' : `, by ${axisNumber(largest)} at most (value ${at})`}`,
      ),
    ...(changed.length > TENSORS ? [`  … and ${changed.length - TENSORS} more`] : []),
    ...reshaped.map(({name, a, b}) => `  ${name}: ${a} → ${b}`),
    ...(added.length > 0 ? [`  new: ${added.join(', ')}`] : []),
    ...(gone.length > 0 ? [`  gone: ${gone.join(', ')}`] : []),
  ];
}

const fileName = (path: string): string => (path === '' ? 'the file itself' : path);

/** Lines without an indent; none when nothing differs. */
export function comparisonLines(difference: ArtifactDifference): readonly string[] {
  const {added, gone, changed, modes, tensors, rows, missing} = difference;
  const became = (now: boolean): string[] =>
    modes.filter(({executable}) => executable === now).map(({path}) => fileName(path));
  const [executable, plain] = [became(true), became(false)];
  return [
    ...(changed.length > 0 ? [`changed: ${changed.join(', ')}`] : []),
    ...(executable.length > 0 ? [`executable now: ${executable.join(', ')}`] : []),
    ...(plain.length > 0 ? [`no longer executable: ${plain.join(', ')}`] : []),
    ...(added.length > 0 ? [`new: ${added.join(', ')}`] : []),
    ...(gone.length > 0 ? [`gone: ${gone.join(', ')}`] : []),
    ...(tensors === undefined ? [] : tensorsText(tensors)),
    ...Object.entries(rows).flatMap(([path, comparison]) => [
      `${path}: ${comparison.equal} rows are equal`,
      ...[
        ...namedText('changed', comparison.changed),
        ...namedText('new', comparison.added),
        ...namedText('gone', comparison.gone),
      ].map((line) => `  ${line}`),
    ]),
    ...(missing.length > 0
      ? [`not looked into, since the bytes are no longer in the store: ${missing.join(', ')}`]
      : []),
  ];
}

/** Comparisons of outputs by `node:port`. */
export type Comparisons = ReadonlyMap<string, ArtifactDifference>;

function headline({first, nodes}: RunDifference): string {
  if (first === undefined) {
    const differing = nodes.some(({status}) => status !== 'same' && status !== 'same-bytes');
    return differing ? 'no node differs that both runs have' : 'the runs are equal, byte by byte';
  }
  if (first.status === 'diverged') return `first difference: ${first.node} made other bytes from equal ingredients`;
  const cause = first.causes.find(({what}) => what !== 'input')!;
  return `first difference: ${first.node}, ${causeText(cause)}`;
}

const STATUS: Readonly<Record<NodeDifference['status'], string>> = {
  same: 'the same attempt',
  'same-bytes': 'made again, with equal bytes',
  diverged: 'equal ingredients, other bytes',
  differs: 'differs',
  'only-a': 'only in the first',
  'only-b': 'only in the second',
  unfinished: 'not finished in both',
};

export function diffText(
  difference: RunDifference,
  {comparisons, colours}: {readonly comparisons: Comparisons; readonly colours: boolean},
): string {
  const {bold, dim, red} = createColors(colours);
  const lines = [`run ${difference.a} → run ${difference.b}`, headline(difference), ''];
  const named = (status: NodeDifference['status']): readonly string[] => {
    const nodes = difference.nodes.filter((node) => node.status === status).map(({node}) => node);
    return nodes.length === 0 ? [] : [`${STATUS[status]}: ${nodes.join(', ')}`];
  };
  lines.push(...named('same'));
  for (const {node, status, a, b, causes, outputs, metrics} of difference.nodes) {
    if (status === 'same' || status === 'only-a' || status === 'only-b') continue;
    const verdict = status === 'diverged' ? red(STATUS[status]) : STATUS[status];
    lines.push(`${bold(node)}: ${verdict}  ${dim(`attempt ${a ?? '–'} → ${b ?? '–'}`)}`);
    lines.push(...causes.map((cause) => `  ${causeText(cause)}`));
    for (const {port, kind, a: before, b: after} of outputs) {
      lines.push(`  output ${port} (${kind})  ${valueText(before)} → ${valueText(after)}`);
      const comparison = comparisons.get(`${node}:${port}`);
      if (comparison !== undefined) lines.push(...comparisonLines(comparison).map((line) => `    ${line}`));
    }
    if (metrics.length > 0) {
      const number = (value: number | string | undefined): string =>
        typeof value === 'number' ? axisNumber(value) : (value ?? 'none');
      lines.push(`  metrics  ${metrics.map(({name, a: x, b: y}) => `${name} ${number(x)} → ${number(y)}`).join(', ')}`);
    }
  }
  lines.push(...named('only-a'), ...named('only-b'));
  return lines.map(oneLine).join('\n');
}
