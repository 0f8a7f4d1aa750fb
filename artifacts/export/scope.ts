/** What a lineage export is about: the attempts of a run and everything they came from, with their artifacts. */
import {ancestorsOf} from '../queries/ancestry.js';
import type {Digest, Json} from '../digest.js';
import type {Artifact, Attempt, InputEdge, Outcome, OutputEdge, Run, RunId} from '../records.js';
import {UserError} from '../error.js';
import type {Store} from '../store.js';

/** Attempts and artifacts to export, for `toOpenLineage` and `toProv`. */
export interface ExportScope {
  /** Random, made with the store: part of the names in an export, so that two stores do not share any. */
  readonly storeId: string;
  readonly run: Run;
  /** Oldest first. Failed attempts of the run are among them. */
  readonly attempts: readonly Attempt[];
  /** What the attempts made or used. */
  readonly artifacts: ReadonlyMap<Digest, Artifact>;
  /** The recipe of the run that began each attempt. */
  readonly recipeOf: (attempt: Attempt) => string;
}

/**
 * What an export of a run is about: the attempts that it began or used, and all that those came from.
 *
 * @throws UserError store-damaged where a record of an artifact does not give its digest
 */
export function scopeOf(store: Store, run: Run): ExportScope {
  const {db} = store.parts;
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

/** The output that an input is: which attempt made it, on which port. */
export interface Origin {
  readonly maker: Attempt;
  readonly output: OutputEdge;
}

/** Where each input of these attempts comes from. @throws UserError 'store-damaged' where nothing made it */
export function originsOf(attempts: readonly Attempt[]): (input: InputEdge) => Origin {
  const makers = new Map(attempts.map((attempt) => [attempt.id, attempt]));
  return ({artifact, madeBy}) => {
    const maker = makers.get(madeBy);
    const output = maker?.outputs.find((edge) => edge.artifact === artifact);
    if (maker !== undefined && output !== undefined) return {maker, output};
    throw new UserError('store-damaged', `the store is damaged: attempt ${madeBy} did not make what it is said to`, {
      remedy: {type: 'verify'},
    });
  };
}

/** Where a source was taken from. */
export function placeOf({params}: Attempt): string | undefined {
  return textIn(params, 'path');
}

/** All that is known of why an attempt failed: `detail` is the payload of the runner's failure. */
export function errorOf({reason, detail}: Outcome): {readonly message: string; readonly stack?: string} {
  const message = textIn(detail, 'message');
  const stack = textIn(detail, 'stack');
  if (message !== undefined) return {message: `${reason}: ${message}`, ...(stack === undefined ? {} : {stack})};
  const {reason: _, ...rest} = isRecord(detail) ? detail : {};
  const facts = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return {message: facts.length === 0 ? reason : `${reason}: ${facts.join(', ')}`};
}

function textIn(json: Json, name: string): string | undefined {
  const value = isRecord(json) ? json[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

const isRecord = (json: Json): json is Readonly<Record<string, Json>> =>
  typeof json === 'object' && json !== null && !Array.isArray(json);
