/** The stages that can be asked about by name: those of r1, and those that a recipe has. */
import {UserError} from '../../artifacts/index.js';
import {isStage} from '../../pipeline/stage.js';
import type {AnyStage} from '../../pipeline/stage.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {Wiring} from '../../pipeline/wiring/nodes.js';
import * as exported from '../../stages/index.js';

/** A stage with what it is imported as from `r1/stages`; without, where it is a recipe's own. */
export interface KnownStage {
  readonly stage: AnyStage;
  readonly export?: string;
}

/** Every stage of `r1/stages`, by name. */
export const builtInStages = (): readonly KnownStage[] =>
  Object.entries<unknown>(exported)
    .flatMap(([name, value]) => (isStage(value) ? [{stage: value, export: name}] : []))
    .sort((one, other) => (one.stage.name < other.stage.name ? -1 : 1));

/** The stages of a recipe that are not of `r1/stages`, by name. */
export function ownStages({nodes}: Wiring): readonly KnownStage[] {
  const builtIn = new Set(builtInStages().map(({stage}) => stage));
  const found = new Set([...nodes.values()].flatMap((node) => (node.type === 'stage' ? [node.stage] : [])));
  return [...found]
    .filter((stage) => !builtIn.has(stage))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((stage) => ({stage}));
}

/** The nodes of a recipe that a stage is placed at. */
export const nodesOf = ({nodes}: Wiring, stage: AnyStage): readonly string[] =>
  [...nodes.values()].flatMap((node) => (node.type === 'stage' && node.stage === stage ? [node.id] : []));

/** A stage by its name, or by what it is imported as. */
export const findStage = (stages: readonly KnownStage[], wanted: string): KnownStage | undefined =>
  stages.find(({stage}) => stage.name === wanted) ?? stages.find((known) => known.export === wanted);

/** Neither a stage nor a node is called so. */
export const noSuch = (wanted: string, stages: readonly KnownStage[], {recipe, nodes}: Wiring): UserError =>
  new UserError(
    'not-found',
    `there is no stage “${wanted}”, and no node of that name in recipe “${recipe}”` +
      suggestion(wanted, [...nodes.keys(), ...stages.map(({stage}) => stage.name)]),
    {hint: '`r1 stages` lists the stages; `--recipe` names another recipe'},
  );
