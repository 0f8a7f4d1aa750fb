/**
 * What a model of the store was trained on, and how it was asked there: read from its lineage, so that whoever talks to it asks as
 * it is used to. Of a folder from elsewhere nothing is known.
 */
import type {Attempt, AttemptId, Json, OutputEdge, Store} from '../../artifacts/index.js';
import {EXTRACTIONS} from '../../stages/tasks/asking.js';
import type {Extraction} from '../../stages/tasks/asking.js';
import {TEMPLATE_NAMES} from '../../stages/text/template-names.js';
import type {TemplateName} from '../../stages/text/template-names.js';
import type {Wording} from '../../stages/text/wording.js';
import {builtInStages} from './stages.js';

/** How questions were put where the model was trained. */
export interface TrainedAsking extends Partial<Wording> {
  readonly template: TemplateName;
  readonly extraction?: Extraction;
}

/** One step on the way to a model, the last one first. */
export interface OriginStep {
  readonly node: string;
  readonly stage: string;
  /** Whether the stage is known to change weights. */
  readonly trains: boolean;
  /** What it used beside a model: `node:port`. */
  readonly data: readonly string[];
}

/** Where a model comes from. */
export interface ModelOrigin {
  readonly steps: readonly OriginStep[];
  /** Of the last training; undefined where nobody trained it here. */
  readonly asked: TrainedAsking | undefined;
}

/** Kinds of artifacts that a model is handed on in: the model itself, and the snapshots of its training. */
const MODELS: ReadonlySet<string> = new Set(['model', 'snapshots']);

/** Steps of which is told; a model of many more has been through the same again and again. */
const MOST_STEPS = 8;

/** @param attempt that made the model */
export function originOf(store: Store, attempt: Attempt): ModelOrigin {
  const training = new Set(builtInStages().flatMap(({stage}) => (stage.trains === true ? [stage.name] : [])));
  const steps: OriginStep[] = [];
  let asked: TrainedAsking | undefined;
  const makers = makersIn(store);
  const isModel = ({output: {kind}}: Edge): boolean => MODELS.has(kind);
  for (let at: Attempt | undefined = attempt; at !== undefined && steps.length < MOST_STEPS;) {
    const edges: readonly Edge[] = edgesOf(at, makers);
    const trains = training.has(at.stage);
    steps.push({
      node: at.node,
      stage: at.stage,
      trains,
      data: edges
        .filter((edge) => !isModel(edge))
        .map(({maker, output}) => (maker.stage === 'source' ? maker.node : `${maker.node}:${output.port}`)),
    });
    if (trains) asked ??= askedIn(at.params);
    at = edges.find(isModel)?.maker;
  }
  return {steps, asked};
}

interface Edge {
  readonly maker: Attempt;
  readonly output: OutputEdge;
}

/** What an attempt used, as outputs of who made it. */
const edgesOf = ({inputs}: Attempt, makers: (id: AttemptId) => Attempt | undefined): Edge[] =>
  inputs.flatMap(({artifact, madeBy}) => {
    const maker = makers(madeBy);
    const output = maker?.outputs.find((each) => each.artifact === artifact);
    return maker === undefined || output === undefined ? [] : [{maker, output}];
  });

function makersIn(store: Store): (id: AttemptId) => Attempt | undefined {
  const known = new Map<AttemptId, Attempt | undefined>();
  return (id) => {
    if (!known.has(id)) known.set(id, store.attempt(id));
    return known.get(id);
  };
}

/** From recorded params, which a store may hold in any shape. */
function askedIn(params: Json): TrainedAsking | undefined {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return undefined;
  const of = params as Readonly<Record<string, Json>>;
  const template = [of['template'], of['gateTemplate']].find((name): name is TemplateName =>
    (TEMPLATE_NAMES as readonly unknown[]).includes(name),
  );
  if (template === undefined) return undefined;
  const text = (name: 'system' | 'suffix' | 'prefill'): Record<string, string> => {
    const value = of[name];
    return typeof value === 'string' && value !== '' ? {[name]: value} : {};
  };
  const {stop, shots} = of;
  const extraction = EXTRACTIONS.find((name) => name === of['extraction']);
  return {
    template,
    ...{...text('system'), ...text('suffix'), ...text('prefill')},
    ...(extraction === undefined ? {} : {extraction}),
    ...(isList(stop) && stop.length > 0 && stop.every((one) => typeof one === 'string') ? {stop} : {}),
    ...(isList(shots) && shots.length > 0 && shots.every(isShot) ? {shots} : {}),
  };
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

const isShot = (value: Json): value is {readonly question: string; readonly response: string} => {
  const {question, response} = Object(value) as Readonly<Record<string, unknown>>;
  return typeof question === 'string' && typeof response === 'string';
};
