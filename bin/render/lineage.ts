/** The lineage of something as a tree for people, or as a graph for Graphviz. */
import type {LineageEdge, LineageGraph, LineageNode} from '../../artifacts/queries/ancestry.js';
import {shortDigest} from '../../artifacts/index.js';
import type {Attempt, AttemptId, OutputEdge} from '../../artifacts/index.js';
import {inAWord} from '../../pipeline/outcome.js';
import {treeLines} from './tree.js';
import type {Branch} from './tree.js';
import {createColors} from '../terminal/paint.js';

export interface LineageTextOptions {
  readonly colours: boolean;
  /** The output that was asked about; all of the root's without it. */
  readonly output?: OutputEdge;
}

function portOf(edge: Pick<LineageEdge, 'port' | 'name'>): string {
  return edge.name === '' ? edge.port : `${edge.port}.${edge.name}`;
}

export function lineageText(graph: LineageGraph, {colours, output}: LineageTextOptions): string {
  const {dim, red, cyan, bold} = createColors(colours);
  const byNear = new Map<AttemptId, LineageEdge[]>();
  for (const edge of graph.edges) {
    const near = graph.direction === 'up' ? edge.to : edge.from;
    const known = byNear.get(near);
    if (known === undefined) byNear.set(near, [edge]);
    else known.push(edge);
  }
  const made = (outputs: readonly OutputEdge[]): string =>
    outputs.map(({kind, artifact}) => `${kind} ${cyan(`@${shortDigest(artifact)}`)}`).join(', ');
  const who = ({stage, path, attempt, run, reason, accepted}: LineageNode): string => {
    const outside = `from outside${path === undefined ? '' : `: ${path}`}, run ${run}`;
    const place = dim(stage === 'source' ? outside : `${stage}, attempt ${attempt}, run ${run}`);
    const notes = [
      ...(reason === 'succeeded' ? [] : [red(reason === undefined ? 'not finished' : inAWord(reason))]),
      ...(accepted === undefined ? [] : [red(`from a checkpoint of other code: ${accepted}`)]),
    ];
    return [place, ...notes].join('  ');
  };
  const branchOf = (edge: LineageEdge): Branch<AttemptId> => {
    if (graph.direction === 'up') {
      const node = graph.nodes.get(edge.from)!;
      const used = node.outputs.filter(({artifact}) => artifact === edge.artifact).slice(0, 1);
      return {id: edge.from, text: `${portOf(edge)} ← ${bold(node.node)}  ${made(used)}  ${who(node)}`};
    }
    const node = graph.nodes.get(edge.to)!;
    const outputs = made(node.outputs);
    return {
      id: edge.to,
      text: `→ ${bold(node.node)} (${portOf(edge)})  ${outputs === '' ? '' : `${outputs}  `}${who(node)}`,
    };
  };
  const root = graph.nodes.get(graph.root)!;
  const shown = output === undefined ? root.outputs : [output];
  const lines = treeLines<AttemptId>(
    {id: graph.root, text: `${bold(root.node)}  ${shown.length === 0 ? '' : `${made(shown)}  `}${who(root)}`},
    {
      below: (attempt) => (byNear.get(attempt) ?? []).map(branchOf),
      more: (attempt) => (graph.cut.has(attempt) ? dim('… and more (--depth, --limit)') : undefined),
      again: dim('  (as above)'),
    },
  );
  return lines.join('\n');
}

/** A quoted string of the DOT language. */
const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;

type DotNode = Pick<LineageNode, 'attempt' | 'node' | 'stage' | 'run' | 'reason'>;

function dot(nodes: Iterable<DotNode>, edges: readonly LineageEdge[]): string {
  const boxes = [...nodes].map(
    ({attempt, node, stage, run, reason}) =>
      `  a${attempt} [label=${quote(`${node}\n${stage}, attempt ${attempt}, run ${run}`)}${reason === 'succeeded' ? '' : ', color=red'}];`,
  );
  const arrows = edges.map(
    (edge) => `  a${edge.from} -> a${edge.to} [label=${quote(`${portOf(edge)}\n@${shortDigest(edge.artifact)}`)}];`,
  );
  return ['digraph lineage {', '  rankdir=LR;', '  node [shape=box];', ...boxes, ...arrows, '}'].join('\n');
}

export const lineageDot = (graph: LineageGraph): string => dot(graph.nodes.values(), graph.edges);

/** The attempts of a whole run. */
export function runDot(attempts: readonly Attempt[]): string {
  const nodes = attempts.map(({id, node, stage, run, outcome}) => ({
    attempt: id,
    node,
    stage,
    run,
    reason: outcome?.reason,
  }));
  const edges = attempts.flatMap(({id, inputs}) =>
    inputs.map(({port, name, artifact, madeBy}) => ({from: madeBy, to: id, port, name, artifact})),
  );
  return dot(nodes, edges);
}

export function lineageJson(graph: LineageGraph): unknown {
  const {root, direction, nodes, edges, cut} = graph;
  return {root, direction, nodes: [...nodes.values()], edges, cut: [...cut]};
}
