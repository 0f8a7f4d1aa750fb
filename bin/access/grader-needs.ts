/** What the graders of a plan need of this machine, said before it runs: whether it is there, will be made, or what to install. */
import type {Plan, PlannedNode} from '../../pipeline/plan/plan.js';
import {needsOf} from '../../pipeline/wiring/nodes.js';
import {MATH_ENVIRONMENT} from '../../stages/graders/math/index.js';
import {environmentState} from '../../stages/python/environment.js';
import {SANDBOXES} from '../../stages/sandbox/names.js';
import {programPath} from '../../stages/sandbox/sandbox.js';

/** What one grader needs. */
export interface GraderNeed {
  readonly grader: 'math' | 'code';
  /** Nodes that would run and grade with it. */
  readonly nodes: readonly string[];
  readonly state: 'there' | 'to be made' | 'missing';
  /** What it needs and how that stands, as the end of a sentence that begins with the nodes. */
  readonly what: string;
}

/**
 * The graders of what would run: of prompts that are imported as mathematics or programs, and of the nodes that take them. What
 * `answers: 'auto'` finds in a file is not known before it is read.
 */
export async function graderNeeds({nodes}: Pick<Plan, 'nodes'>): Promise<GraderNeed[]> {
  const [math, code] = [gradedBy(nodes, 'math'), gradedBy(nodes, 'code')];
  const needs: GraderNeed[] = [];
  const ofMath = [...math.importing, ...math.asking].map(({id}) => id);
  if (ofMath.length > 0) needs.push({grader: 'math', nodes: ofMath, ...(await environment())});
  const ofCode = code.asking.filter(({params}) => (params['sandbox'] ?? SANDBOXES[0]) === SANDBOXES[0]);
  if (ofCode.length > 0) needs.push({grader: 'code', nodes: ofCode.map(({id}) => id), ...sandbox()});
  return needs;
}

/** As a line of a plan. */
export const graderNeedText = ({nodes, what}: GraderNeed): string => `${nodes.join(', ')}: ${what}`;

type StageNode = Extract<PlannedNode['node'], {type: 'stage'}>;

/** Nodes that would run: those that import prompts of the kind, and those that are wired to one that does. */
function gradedBy(nodes: Plan['nodes'], answers: string): Record<'importing' | 'asking', StageNode[]> {
  const all = [...nodes.values()].flatMap(({node, action}) => (node.type === 'stage' ? [{node, action}] : []));
  const imports = (node: StageNode): boolean => node.params['answers'] === answers;
  const origins = new Set(all.filter(({node}) => imports(node)).map(({node}) => node.id));
  const due = all.filter(({action}) => action !== 'reuse').map(({node}) => node);
  return {
    importing: due.filter(imports),
    asking: due.filter((node) => !imports(node) && needsOf(node).some((id) => origins.has(id))),
  };
}

async function environment(): Promise<Pick<GraderNeed, 'state' | 'what'>> {
  const state = await environmentState(MATH_ENVIRONMENT);
  const what = 'answers are graded by Math-Verify, in Python';
  switch (state.state) {
    case 'there':
      return {state: 'there', what: `${what}: its environment is there`};
    case 'to be made':
      return {
        state: 'to be made',
        what: `${what} ${state.with.version}: its environment will be made in ${state.folder}`,
      };
    case 'no Python':
      return {state: 'missing', what: `${what}: ${state.problem}; ${state.hint}`};
  }
}

/** Whether it holds is tried when the first program is to run; `r1 doctor` tries it, too. */
function sandbox(): Pick<GraderNeed, 'state' | 'what'> {
  const what = 'answers are programs, which run in bubblewrap';
  if (programPath('bwrap') !== undefined) return {state: 'there', what: `${what}: it is installed`};
  return {
    state: 'missing',
    what: `${what}, which is not installed: install it (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap)`,
  };
}
