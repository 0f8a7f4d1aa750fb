/** What a lineage export is about: the attempts of a run and everything they came from, with their artifacts. */
import {ancestorsOf} from '../ancestry.js';
import type {Digest} from '../digest.js';
import type {Artifact, Attempt, Run, RunId} from '../records.js';
import {partsOf} from '../store.js';
import type {Store} from '../store.js';

export interface ExportScope {
  readonly storeId: string;
  readonly run: Run;
  /** Oldest first. Failed attempts of the run are among them. */
  readonly attempts: readonly Attempt[];
  readonly artifacts: ReadonlyMap<Digest, Artifact>;
  /** The recipe of the run that began each attempt. */
  readonly recipeOf: (attempt: Attempt) => string;
}

export function scopeOf(store: Store, run: Run): ExportScope {
  const {db} = partsOf(store);
  const used = store.nodesOf(run.id).flatMap(({attempt}) => (attempt === undefined ? [] : [attempt]));
  const begun = db
    .prepare<{id: Attempt['id']}>('SELECT id FROM attempt WHERE run = ?')
    .all(run.id)
    .map(({id}) => id);
  const ids = new Set([...used, ...begun, ...ancestorsOf(store, [...used, ...begun])]);
  const attempts = [...ids].sort((a, b) => a - b).map((id) => store.attempt(id)!);
  const artifacts = new Map<Digest, Artifact>();
  for (const {inputs, outputs} of attempts) {
    for (const {artifact} of [...inputs, ...outputs])
      if (!artifacts.has(artifact)) artifacts.set(artifact, store.artifact(artifact)!);
  }
  const recipes = new Map<RunId, string>();
  const recipeOf = ({run: id}: Attempt): string => {
    const known = recipes.get(id) ?? store.run(id)!.recipe;
    recipes.set(id, known);
    return known;
  };
  return {storeId: store.id, run, attempts, artifacts, recipeOf};
}
