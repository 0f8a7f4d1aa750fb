/** Under which name a module exports a stage or a definition: that is how the stage's own process gets at it. */
import {isDefinition} from '../definition.js';
import type {Definition} from '../definition.js';
import {importModule} from '../modules/import.js';
import {isOwn} from '../modules/own-package.js';
import {isStage} from '../stage.js';
import type {AnyStage} from '../stage.js';
import {placesOf} from './wire.js';
import type {Mistake} from './wire.js';
import type {StageNode, Wiring} from './nodes.js';
import type {Recipe} from '../recipe.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';

/** What a recipe wires and the process of a stage imports again. */
export type Exported = AnyStage | Definition;

/** Stage or definition → name of its export. */
export type ExportNames = ReadonlyMap<Exported, string>;

/** What is not exported could not be found again, so it is a mistake. */
export async function exportNames(wiring: Wiring, recipe: Recipe): Promise<Result<ExportNames, readonly Mistake[]>> {
  const names = new Map<Exported, string>();
  const mistakes: Mistake[] = [];
  for (const node of wiring.nodes.values()) {
    if (node.type === 'source') continue;
    for (const each of exportedBy(node)) {
      if (names.has(each)) continue;
      const name = await exportName(each);
      if (name.ok) {
        names.set(each, name.value);
        continue;
      }
      const place = placesOf(recipe).get(node.id);
      mistakes.push({message: `node “${node.id}”: ${name.error}`, ...(place === undefined ? {} : {place})});
    }
  }
  return mistakes.length > 0 ? err(mistakes) : ok(names);
}

const exportedBy = ({stage, definitions}: StageNode): readonly Exported[] =>
  definitions === undefined ? [stage] : [stage, ...Object.values(definitions).flat()];

/** The name under which its module exports it, or what is wrong with that. */
async function exportName(wanted: Exported): Promise<Result<string, string>> {
  const {module: url} = wanted;
  const what = isStage(wanted) ? 'stage' : wanted.kind;
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await importModule(url); // loaded already, if it is the one that the recipe imported
  } catch (error) {
    return err(
      `${what} “${wanted.name}” is not in its module ${url}, which cannot be imported: ${(error as Error).message}`,
    );
  }
  const name = exportOf(module, wanted);
  if (name === undefined) {
    return err(`${what} “${wanted.name}” is not exported by its module ${url}; write \`export const …\``);
  }
  const other = Object.keys(module).find((each) => module[each] !== module[name] && isTwin(module[each], wanted));
  if (other === undefined) return ok(name);
  return err(
    `${url} exports two ${isStage(wanted) ? 'stages' : `definitions of kind “${wanted.kind}”`} with the name “${wanted.name}”, ` +
      `${name} and ${other}, which could not be told apart in the store; give each a name of its own`,
  );
}

/** Of the same name and kind: its code, too, is the same, so its fingerprint could be. */
function isTwin(exported: unknown, wanted: Exported): boolean {
  if (!isStage(wanted)) return isDefinition(exported) && exported.kind === wanted.kind && exported.name === wanted.name;
  return isStage(exported) && exported.name === wanted.name;
}

/** One of ours may be there twice, from its module and from the one file that r1 starts from; then it is known by its name. */
function exportOf(module: Readonly<Record<string, unknown>>, wanted: Exported): string | undefined {
  const names = Object.keys(module);
  return (
    names.find((name) => module[name] === wanted) ??
    (isOwn(wanted.module) ? names.find((name) => isTwin(module[name], wanted)) : undefined)
  );
}
