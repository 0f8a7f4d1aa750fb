/** What a person should know of a plan beside it: it would be carried out, but maybe not as meant. */
import type {Remedy} from '../../artifacts/index.js';
import type {CodeReader} from '../fingerprint/code-digest.js';
import {environmentWarningText, environmentWarnings} from './env-reads.js';
import type {EnvironmentWarning} from './env-reads.js';
import type {DroppedCheckpoint, History, Plan} from './plan.js';
import {planProgramFiles, programFileHint, programFileText} from './program-files.js';
import type {ProgramFile} from './program-files.js';
import {modulesOf} from '../wiring/nodes.js';

export type PlanWarning =
  | EnvironmentWarning
  /** The code of these nodes loads something that only it can name, so a change of that is no reason to run. */
  | {readonly problem: 'computed-name'; readonly nodes: readonly string[]; readonly place: string}
  /** The recipe's own file exports these definitions, so whatever is changed in it is a reason for these nodes to run. */
  | {
      readonly problem: 'definition-in-recipe';
      readonly nodes: readonly string[];
      readonly definitions: readonly string[];
    }
  /** The code of this node has changed since it wrote a checkpoint, which is not used. */
  | {readonly problem: 'dropped-checkpoint'; readonly nodes: readonly [string]; readonly checkpoint: DroppedCheckpoint}
  /** A file that the command line of these nodes names cannot be what it is to be. */
  | ({readonly problem: 'program-file'} & ProgramFile)
  /** What the stage says of the params that these nodes have. */
  | {readonly problem: 'caution'; readonly nodes: readonly string[]; readonly message: string};

interface Planned {
  readonly plan: Plan;
  readonly recipeUrl?: string | undefined;
  readonly code: CodeReader;
  readonly history: Pick<History, 'dropped'>;
  readonly force: ReadonlySet<string>;
}

export const planWarnings = (prepared: Planned, processEnv: NodeJS.ProcessEnv): PlanWarning[] => [
  ...environmentWarnings(prepared, processEnv),
  ...computedNames(prepared),
  ...definitionsInRecipe(prepared),
  ...cautions(prepared),
  ...droppedCheckpoints(prepared),
  ...planProgramFiles(prepared.plan).map((file) => ({problem: 'program-file', ...file}) as const),
];

/** That a checkpoint is not used, without what can be done about it. */
export const droppedText = (node: string, {attempt, step, because}: Omit<DroppedCheckpoint, 'run'>): string =>
  `${node}: the checkpoint at step ${step} of attempt ${attempt} is not used, because of ${because}`;

/** What can be done about it, where the sentence does not say so itself. */
export function helpOf(warning: PlanWarning): {readonly hint?: string | undefined; readonly remedy?: Remedy} {
  if (warning.problem === 'program-file') return {hint: programFileHint(warning)};
  if (warning.problem !== 'dropped-checkpoint') return {};
  return {remedy: {type: 'accept-checkpoint', run: warning.checkpoint.run}};
}

/** One sentence, which says what to do. */
export function planWarningText(warning: PlanWarning): string {
  if (warning.problem === 'missing' || warning.problem === 'dropped') return environmentWarningText(warning);
  if (warning.problem === 'program-file') return programFileText(warning);
  const {nodes} = warning;
  const who = nodes.length === 1 ? nodes[0] : `${nodes[0]} and ${nodes.length - 1} more`;
  if (warning.problem === 'caution') return `${who}: ${warning.message}`;
  if (warning.problem === 'dropped-checkpoint') return droppedText(warning.nodes[0], warning.checkpoint);
  if (warning.problem === 'computed-name')
    return (
      `${who}: ${warning.place} loads something by a computed name, so a change of it is not seen: ` +
      'write the name out there, or add a param that you change with it'
    );
  const names = warning.definitions.map((name) => `“${name}”`).join(', ');
  return (
    `${who}: ${names} ${warning.definitions.length === 1 ? 'is' : 'are'} defined in the recipe’s own file, so every edit ` +
    'of the recipe counts as a change of code: move such definitions to a module beside it'
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

function definitionsInRecipe({plan, recipeUrl}: Planned): PlanWarning[] {
  const nodes: string[] = [];
  const definitions = new Set<string>();
  for (const {node} of plan.nodes.values()) {
    if (node.type === 'source') continue;
    const inRecipe = Object.values(node.definitions ?? {})
      .flat()
      .filter(({module}) => module === recipeUrl);
    if (inRecipe.length > 0) nodes.push(node.id);
    for (const {name} of inRecipe) definitions.add(name);
  }
  return nodes.length === 0 ? [] : [{problem: 'definition-in-recipe', nodes, definitions: [...definitions]}];
}

function droppedCheckpoints({plan, history, force}: Planned): PlanWarning[] {
  return [...plan.nodes].flatMap(([id, planned]): PlanWarning[] => {
    if (planned.action !== 'run' || planned.fingerprint === undefined || force.has(id)) return [];
    const checkpoint = history.dropped?.(id, planned.known, planned.fingerprint);
    return checkpoint === undefined ? [] : [{problem: 'dropped-checkpoint', nodes: [id], checkpoint}];
  });
}

/** Each sentence once, with the nodes that it is about. */
function cautions({plan}: Pick<Planned, 'plan'>): PlanWarning[] {
  const nodes = new Map<string, string[]>();
  for (const {node} of plan.nodes.values()) {
    if (node.type === 'source') continue;
    for (const message of node.stage.caution?.(node.params as never) ?? [])
      nodes.set(message, [...(nodes.get(message) ?? []), node.id]);
  }
  return Array.from(nodes, ([message, ids]) => ({problem: 'caution', nodes: ids, message}));
}
