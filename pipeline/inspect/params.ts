/** What stages take, make and are told, and what a recipe tells them: for `r1 stages`, `r1 params` and programs. */
import {isDeepStrictEqual} from 'node:util';
import {UserError} from '../../artifacts/index.js';
import {rangeText} from '../params.js';
import type {AnyStage, InputPort, Json, Kind} from '../stage.js';
import {shape} from '../wiring/check-params.js';
import {isMany, isOptional, portKind, refsOf} from '../wiring/nodes.js';
import type {Wiring} from '../wiring/nodes.js';
import {unknownNode} from '../wiring/overrides.js';
import {aboutOf} from '../wiring/ranges.js';

/** A port: the kind of its artifacts, and whether it takes many of them under names, or may be left out. */
export interface PortFacts {
  readonly port: string;
  readonly kind: Kind;
  readonly many?: true;
  readonly optional?: true;
}

/** A param of a stage. */
export interface ParamFacts {
  readonly name: string;
  readonly default: Json;
  /** What it may be, in words: its range, its choices or, where the stage says no more, the type of its default. */
  readonly range: string;
  readonly choices?: readonly Json[];
  /** What it does, where the stage says so. */
  readonly about?: string;
}

/** What a stage is, without what it does when it runs. */
export interface StageFacts {
  readonly stage: string;
  readonly summary?: string;
  readonly inputs: readonly PortFacts[];
  readonly outputs: readonly PortFacts[];
  /** Options that list definitions, with their kinds. */
  readonly definitions: Readonly<Record<string, string>>;
  /** Whether it changes the weights of a model by optimizer steps. */
  readonly trains: boolean;
  /** Whether `r1 finish` can end it early. */
  readonly canFinishEarly: boolean;
  /** Whether a run’s seed counts. */
  readonly isSeeded: boolean;
  readonly params: readonly ParamFacts[];
}

/** A stage in its place in a recipe. */
export interface NodeFacts {
  readonly node: string;
  readonly recipe: string;
  readonly stage: Omit<StageFacts, 'params'>;
  /** Option → names of the definitions that it is wired with; those without any are left out. */
  readonly definitions: Readonly<Record<string, readonly string[]>>;
  /** Input port, with the name where it takes many, and the output that is wired to it. */
  readonly wired: readonly {
    readonly port: string;
    readonly name?: string;
    readonly from: {readonly node: string; readonly port: string};
  }[];
  readonly params: readonly (ParamFacts & {readonly value: Json; readonly isDefault: boolean})[];
}

/** What is known of a stage before it runs. */
export const stageFacts = (stage: AnyStage): StageFacts => ({
  stage: stage.name,
  ...(stage.summary === undefined ? {} : {summary: stage.summary}),
  inputs: Object.entries(stage.inputs).map(portFacts),
  outputs: Object.entries(stage.outputs).map(portFacts),
  definitions: stage.definitions ?? {},
  trains: stage.trains === true,
  canFinishEarly: stage.canFinishEarly === true,
  isSeeded: stage.seedless !== true,
  params: Object.entries(stage.params).map(([name, value]) => paramFacts(stage, name, value)),
});

/** What is known of a node before it runs. @throws UserError not-found, with the nearest name; bad-argument for a source */
export function nodeFacts(wiring: Wiring, id: string): NodeFacts {
  const node = wiring.nodes.get(id);
  if (node === undefined) throw new UserError('not-found', unknownNode(wiring, id));
  if (node.type === 'source')
    throw new UserError('bad-argument', `“${id}” is a source of recipe “${wiring.recipe}” and has no params`, {
      remedy: {type: 'set-source', node: id},
    });
  const {params, ...stage} = stageFacts(node.stage);
  return {
    ...{node: id, recipe: wiring.recipe, stage},
    definitions: Object.fromEntries(
      Object.entries(node.definitions ?? {}).map(([option, list]) => [option, list.map(({name}) => name)]),
    ),
    wired: refsOf(node).map(({port, name, ref}) => ({
      port,
      ...(name === undefined ? {} : {name}),
      from: {node: ref.node, port: ref.port},
    })),
    params: params.map((param) => {
      const value = node.params[param.name]!;
      return {...param, value, isDefault: isDeepStrictEqual(value, param.default)};
    }),
  };
}

const portFacts = ([port, declared]: [string, InputPort]): PortFacts => ({
  port,
  kind: portKind(declared),
  ...(isMany(declared) ? {many: true} : {}),
  ...(isOptional(declared) ? {optional: true} : {}),
});

const WORDS: Readonly<Record<string, string>> = {
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  list: 'a list',
  record: 'a record',
  null: 'anything that JSON can carry',
};

function paramFacts(stage: AnyStage, name: string, value: Json): ParamFacts {
  const about = aboutOf(stage, name);
  const choices = stage.choices?.[name];
  const range =
    choices !== undefined
      ? `one of ${choices.map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice))).join(', ')}`
      : about?.range === undefined
        ? WORDS[shape(value)]!
        : rangeText(about.range);
  return {
    ...{name, default: value, range},
    ...(choices === undefined ? {} : {choices}),
    ...(about === undefined ? {} : {about: about.text}),
  };
}
