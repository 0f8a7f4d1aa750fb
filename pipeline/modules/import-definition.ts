/** How a stage, or a thread or Node process of it, gets at a definition that its node was wired with. */
import {fileURLToPath} from 'node:url';
import {isDefinition} from '../definition.js';
import type {Definition, DefinitionRef} from '../definition.js';
import {importModule} from './import.js';
import {foreignPlaceOf, placeText} from './source/source-location.js';

/**
 * The definition behind a ref of `StageContext.definitions`, as its module exports it. In the process of a stage, in its threads
 * and in the Node processes that it forks, the module's bytes are those that the fingerprint counts, whatever its file holds by now.
 *
 * @throws Error where the module cannot be imported, or exports no such definition
 */
export async function importDefinition(ref: DefinitionRef): Promise<Definition> {
  const {module, export: exported, kind, name} = ref;
  const found = (await importModule(module))[exported];
  if (isDefinition(found) && found.kind === kind && found.name === name) return found;
  throw new Error(`${fileURLToPath(module)} exports no ${kind} “${name}” as “${exported}”`);
}

/** `file:line:column` where the code of a definition threw, or called what did; `undefined` where the stack does not say. */
export function definitionPlaceOf(error: unknown): string | undefined {
  const place = foreignPlaceOf(error);
  return place === undefined ? undefined : placeText(place);
}
