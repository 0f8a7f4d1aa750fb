/** What a recipe would be told of a node: the ranges of its params, then the stage's own check. */
import type {Definition} from '../../pipeline/definition.js';
import type {Json} from '../../pipeline/params.js';
import type {AnyStage} from '../../pipeline/stage.js';
import {checkParam} from '../../pipeline/wiring/check-params.js';
import {checkTogether} from '../../pipeline/wiring/check-definitions.js';

/** What is wired beside the params: all inputs unless given. */
export interface Beside {
  readonly inputs?: readonly string[];
  readonly definitions?: Readonly<Record<string, readonly Definition[]>>;
}

/** @param given what a recipe sets, of any type */
export function mistakesOf(
  stage: AnyStage,
  given: Readonly<Record<string, unknown>> = {},
  {inputs = Object.keys(stage.inputs), definitions}: Beside = {},
): readonly string[] {
  const params: Record<string, Json> = {...stage.params};
  const mistakes: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const checked = checkParam(stage, name, value, 'recipe');
    if (checked.ok) params[name] = checked.value;
    else mistakes.push(checked.error);
  }
  if (mistakes.length > 0) return mistakes;
  const ref = {node: 'other', port: 'output', kind: 'any'};
  return checkTogether({
    ...{type: 'stage', id: 'node', stage, params, options: {}},
    inputs: Object.fromEntries(inputs.map((port) => [port, ref])),
    ...(definitions === undefined ? {} : {definitions}),
  });
}
