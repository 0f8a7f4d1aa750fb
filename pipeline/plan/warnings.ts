/** What a person should know of a plan beside it: it would be carried out, but maybe not as meant. */
import type {CodeReader} from '../fingerprint/code-digest.js';
import {environmentWarningText, environmentWarnings} from './env-reads.js';
import type {EnvironmentWarning} from './env-reads.js';
import type {Plan} from './plan.js';
import {modulesOf} from '../wiring/nodes.js';

export type PlanWarning =
  | EnvironmentWarning
  /** The code of these nodes loads something that only it can name, so a change of that is no reason to run. */
  | {readonly problem: 'computed-name'; readonly nodes: readonly string[]; readonly place: string};

interface Planned {
  readonly plan: Plan;
  readonly code: CodeReader;
}

export const planWarnings = (prepared: Planned, processEnv: NodeJS.ProcessEnv): PlanWarning[] => [
  ...environmentWarnings(prepared, processEnv),
  ...computedNames(prepared),
];

/** One sentence, which says what to do. */
export function planWarningText(warning: PlanWarning): string {
  if (warning.problem !== 'computed-name') return environmentWarningText(warning);
  const {nodes, place} = warning;
  const who = nodes.length === 1 ? nodes[0]! : `${nodes[0]!} and ${nodes.length - 1} more`;
  return (
    `${who}: ${place} loads something by a computed name, so a change of it is not seen: ` +
    'write the name out there, or add a param that you change with it'
  );
}

/** Each line once, with the nodes whose code has it. */
function computedNames({plan, code}: Planned): PlanWarning[] {
  const nodes = new Map<string, string[]>();
  for (const {node} of plan.nodes.values()) {
    if (node.type === 'source') continue;
    const places = new Set(modulesOf(node).flatMap((module) => code.codeOf(module).computed));
    for (const place of places) {
      const known = nodes.get(place);
      if (known === undefined) nodes.set(place, [node.id]);
      else known.push(node.id);
    }
  }
  return Array.from(nodes, ([place, ids]) => ({problem: 'computed-name', nodes: ids, place}));
}
