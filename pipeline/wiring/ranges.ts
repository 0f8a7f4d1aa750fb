/** What stages say of their params, and whether values are in the ranges that they name there. */
import {isWithin, rangeText} from '../params.js';
import type {ParamAbout, Params} from '../params.js';
import type {AnyStage} from '../stage.js';
import {kindOf} from '../values/json.js';
import {quoted} from '../values/names.js';
import {shown} from '../values/printable.js';
import {short} from './check-params.js';
import {suggestion} from './did-you-mean.js';

/** What a stage says of a param, or `undefined` where it says nothing. */
export function aboutOf({about}: AnyStage, name: string): ParamAbout | undefined {
  const said = about !== undefined && Object.hasOwn(about, name) ? about[name] : undefined;
  return typeof said === 'string' ? {text: said} : said;
}

/** Which params are not in their range, each a sentence. */
export const rangeMistakes = (stage: AnyStage, params: Params): readonly string[] =>
  Object.entries(params).flatMap(([name, value]) => {
    const range = aboutOf(stage, name)?.range;
    if (range === undefined || isWithin(range, value)) return [];
    return [`${name} is ${typeof value === 'string' ? quoted(value) : short(value)} and should be ${rangeText(range)}`];
  });

/** What is wrong with what a stage says of its params, each a sentence without the stage. */
export function aboutMistakes({about = {}, params}: AnyStage): readonly string[] {
  if (!isRecord(about)) return [`what it says of its params (about) is ${shown(about)}, not a record`];
  return Object.entries(about).flatMap(([name, said]: [string, unknown]) => {
    if (!Object.hasOwn(params, name))
      return [`about.${name}: it has no param ${quoted(name)}${suggestion(name, Object.keys(params))}`];
    if (said === undefined) return [];
    const text = isRecord(said) ? said['text'] : said;
    if (typeof text !== 'string' || text === '')
      return [`about.${name} is ${shown(said)}, not a sentence or {text: …}`];
    const range = isRecord(said) ? said['range'] : undefined;
    return range === undefined ? [] : boundMistakes(name, range);
  });
}

const BOUNDS: Readonly<Record<string, string>> = {
  ...{from: 'number', above: 'number', to: 'number', below: 'number'},
  ...{whole: 'boolean', what: 'string', why: 'string', should: 'string', isRight: 'function'},
};

function boundMistakes(name: string, range: unknown): string[] {
  if (!isRecord(range)) return [`about.${name}.range is ${shown(range)}, not a record of bounds`];
  return Object.entries(range).flatMap(([bound, value]) => {
    const wanted = Object.hasOwn(BOUNDS, bound) ? BOUNDS[bound]! : undefined;
    if (wanted === undefined)
      return [`about.${name}.range has no ${quoted(bound)}${suggestion(bound, Object.keys(BOUNDS))}`];
    return typeof value === wanted ? [] : [`about.${name}.range.${bound} is ${shown(value)}, not a ${wanted}`];
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && kindOf(value) === 'record';
