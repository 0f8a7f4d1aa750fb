/** Under which name a stage's module exports it: that is how the stage's own process gets at it. */
import {importModule} from '../modules/import.js';
import {isOwn} from '../modules/own-package.js';
import type {AnyStage} from '../stage.js';
import {placesOf} from './wire.js';
import type {Mistake} from './wire.js';
import type {Wiring} from './nodes.js';
import type {Recipe} from '../recipe.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';

/** Stage → name of the export. A stage that is not exported could not be found again, so it is a mistake. */
export async function exportNames(
  wiring: Wiring,
  recipe: Recipe,
): Promise<Result<ReadonlyMap<AnyStage, string>, readonly Mistake[]>> {
  const names = new Map<AnyStage, string>();
  const mistakes: Mistake[] = [];
  for (const node of wiring.nodes.values()) {
    if (node.type === 'source' || names.has(node.stage)) continue;
    const {stage} = node;
    const module = await importModule(stage.module); // loaded already: the recipe imported it
    const name = exportOf(module, stage);
    const other = name === undefined ? undefined : namesake(module, name);
    if (name !== undefined && other === undefined) {
      names.set(stage, name);
      continue;
    }
    const place = placesOf(recipe).get(node.id);
    mistakes.push({
      message:
        name === undefined
          ? `node “${node.id}”: stage “${stage.name}” is not exported by its module ${stage.module}; write \`export const …\``
          : `node “${node.id}”: ${stage.module} exports two stages with the name “${stage.name}”, ${name} and ${other}, ` +
            'which could not be told apart in the store; give each a name of its own',
      ...(place === undefined ? {} : {place}),
    });
  }
  return mistakes.length > 0 ? err(mistakes) : ok(names);
}

/** Another stage of the module with the same name: its code, too, is the same, so its fingerprint could be. */
function namesake(module: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const stage = module[name] as AnyStage;
  return Object.keys(module).find((other) => {
    const exported = module[other] as Partial<AnyStage> | null | undefined;
    return exported !== stage && typeof exported?.run === 'function' && exported.name === stage.name;
  });
}

/** One of ours may be there twice, from its module and from the one file that r1 starts from; then it is known by its name. */
function exportOf(module: Readonly<Record<string, unknown>>, stage: AnyStage): string | undefined {
  const names = Object.keys(module);
  const isTwin = (exported: unknown): boolean =>
    typeof exported === 'object' && (exported as AnyStage | null)?.name === stage.name;
  return (
    names.find((name) => module[name] === stage) ??
    (isOwn(stage.module) ? names.find((name) => isTwin(module[name])) : undefined)
  );
}
