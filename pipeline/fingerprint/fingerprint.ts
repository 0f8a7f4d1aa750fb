/**
 * What an attempt is a function of. Equal fingerprint, equal bytes, hence reuse. Never in it: run ids, paths, times,
 * checkpoint intervals, timeouts, resources other than threads.
 */
import {codeChanges} from '../../artifacts/queries/code-parts.js';
import type {CodeChange, CodeParts} from '../../artifacts/queries/code-parts.js';
import {canonicalJson, digestOf} from '../../artifacts/index.js';
import type {Digest, Json} from '../../artifacts/index.js';
import type {Environment} from '../wiring/environment.js';
import type {EnvironmentIdentity, Params} from '../stage.js';

/** TensorFlow version, device, threads, Node major, CPU instruction set, as set-up wrote them down; opaque to the runner. */
export type RuntimeClass = Readonly<Record<string, Json>>;

/** The ingredients, as they are stored with the attempt. */
export interface Ingredients {
  readonly stage: string;
  readonly code: Digest;
  readonly params: Params;
  /** Declared environment variables; left out where there are none, so that a stage without keeps its fingerprint. */
  readonly env?: Environment;
  /** What counts of the environment that the stage declares, part by part; left out like `env`. */
  readonly environment?: EnvironmentIdentity;
  /** `option/name` of the definitions that the node is wired with → digest of their code; left out like `env`. */
  readonly definitions?: Readonly<Record<string, Digest>>;
  /** Port → digest, or for a `many` port: name → digest. */
  readonly inputs: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  /** `null` for a stage that does not depend on it. */
  readonly seed: number | null;
  /** `null` for a stage that does not compute with tensors. */
  readonly runtime: RuntimeClass | null;
}

export const fingerprintOf = (ingredients: Ingredients): Digest =>
  digestOf('attempt', withoutUnused(ingredients) as unknown as Json);

/** Ingredients that have been there from the start, so that their emptiness counts, too. */
const FIRST: ReadonlySet<string> = new Set(['stage', 'code', 'params', 'inputs', 'seed', 'runtime']);

/** Whatever came later is left out where it is not used: a stage without it keeps the fingerprint that it had before. */
function withoutUnused(ingredients: Ingredients): Ingredients {
  const names = Object.keys(ingredients);
  if (names.length === FIRST.size) return ingredients;
  const used = Object.entries(ingredients).filter(([name, value]) => FIRST.has(name) || !isEmpty(value));
  return Object.fromEntries(used) as unknown as Ingredients;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);

/** Ingredients that are known before the inputs are. */
export type KnownIngredients = Omit<Ingredients, 'inputs'>;

/**
 * What differs between an earlier attempt and this one, as parts of a sentence: `learningRate 3e-4 → 1e-4`,
 * `code of stages/sft.js`, `input data (cold-start-data)`. What is said of a definition begins with what it is wired as:
 * `rewards/brevity: code of brevity.ts`. Empty when nothing known differs.
 */
export function differences(options: {
  readonly before: Ingredients;
  readonly now: KnownIngredients & Partial<Pick<Ingredients, 'inputs'>>;
  /** Looks up the files behind a code digest; unknown parts make the code as a whole the difference. */
  readonly codeParts: (digest: string) => CodeParts | undefined;
  /** Port (or `port.name`) → the node that it is wired to. */
  readonly madeBy?: (input: string) => string | undefined;
  /** At most this many files and packages are named of each definition's code; all unless given. */
  readonly mostOfDefinition?: number;
}): string[] {
  const {before, now, codeParts, madeBy = () => undefined, mostOfDefinition} = options;
  const found: string[] = [];
  if (before.stage !== now.stage) found.push(`stage ${before.stage} → ${now.stage}`);
  found.push(...codeChangesBetween(before, now, codeParts, mostOfDefinition));
  found.push(...environmentDifferences(before.environment, now.environment));
  for (const [name, was, is] of changed(before.params, now.params)) found.push(`${name} ${short(was)} → ${short(is)}`);
  if (now.inputs !== undefined) {
    for (const [name] of changed(flat(before.inputs), flat(now.inputs))) {
      const node = madeBy(name);
      found.push(node === undefined ? `input ${name}` : `input ${name} (${node})`);
    }
  }
  for (const [name, was, is] of changed(before.env ?? {}, now.env ?? {})) {
    found.push(`env ${name} ${short(was)} → ${short(is)}`);
  }
  if (before.seed !== now.seed) found.push(`seed ${before.seed ?? 'none'} → ${now.seed ?? 'none'}`);
  for (const [name, was, is] of changed(before.runtime ?? {}, now.runtime ?? {})) {
    found.push(`runtime ${name} ${short(was)} → ${short(is)}`);
  }
  return found;
}

/**
 * What differs between two environments, as parts of a sentence: `trl 1.15.0 → 1.16.0`. A part that is known by a digest, such as
 * the file from which the others were read, is named only where no version differs: it says nothing that these do not say better.
 */
export function environmentDifferences(before: EnvironmentIdentity = {}, now: EnvironmentIdentity = {}): string[] {
  const all = changed(before, now);
  const isDigest = (value: string | undefined): boolean => value !== undefined && DIGEST.test(value);
  const versions = all.filter(([, was, is]) => !isDigest(was) && !isDigest(is));
  if (versions.length > 0) return versions.map(([name, was, is]) => `${name} ${short(was)} → ${short(is)}`);
  return all.map(([name, was, is]) => {
    if (was === undefined || is === undefined) return `${name} is ${was === undefined ? 'new' : 'gone'}`;
    return `content of ${name}`;
  });
}

const DIGEST = /^[0-9a-f]{64}$/;

type CodeIngredients = Pick<Ingredients, 'code' | 'definitions'>;

/** Whether two attempts run the same code, that of their definitions included. */
export const sameCode = (one: CodeIngredients, other: CodeIngredients): boolean =>
  one.code === other.code && changed(one.definitions ?? {}, other.definitions ?? {}).length === 0;

/** What differs in the code of two attempts, as parts of a sentence; empty when it is the same. */
export const codeChangesBetween = (
  before: CodeIngredients,
  now: CodeIngredients,
  codeParts: (digest: string) => CodeParts | undefined,
  mostOfDefinition = Infinity,
): string[] => {
  const differ = (was: string, is: string): string[] => codeDifferences(codeParts(was), codeParts(is));
  return [
    ...(before.code === now.code ? [] : differ(before.code, now.code)),
    ...definitionDifferences(before.definitions ?? {}, now.definitions ?? {}, (was, is) =>
      few(differ(was, is), mostOfDefinition),
    ),
  ];
};

const few = (reasons: readonly string[], most: number): string[] =>
  reasons.length <= most
    ? [...reasons]
    : [...reasons.slice(0, most - 1), `${reasons[most - 1]!} and ${reasons.length - most} more`];

function definitionDifferences(
  before: NonNullable<Ingredients['definitions']>,
  now: NonNullable<Ingredients['definitions']>,
  differ: (was: string, is: string) => readonly string[],
): string[] {
  return changed(before, now).flatMap(([name, was, is]) => {
    if (was === undefined) return [`${name} is new`];
    if (is === undefined) return [`${name} is gone`];
    return differ(was, is).map((difference) => `${name}: ${difference}`);
  });
}

/** What differs between two versions of a stage's code. */
export function codeDifferences(before: CodeParts | undefined, now: CodeParts | undefined): string[] {
  if (before === undefined || now === undefined) return ['code'];
  const changes = codeChanges(before, now).map(changeText);
  return changes.length > 0 ? changes : ['code'];
}

function changeText(change: CodeChange): string {
  switch (change.change) {
    case 'counting':
      return 'code (this version of r1 counts it in another way)';
    case 'content':
      return `code of ${change.file}`;
    case 'imports':
      return `imports of ${change.file}`;
    case 'new':
    case 'gone':
      return `code: ${change.file} is ${change.change}`;
    case 'moved':
      return `code: ${change.file} moved to ${change.to}`;
    case 'package':
      return `${change.name} ${short(change.before)} → ${short(change.now)}`;
  }
}

const flat = (inputs: Ingredients['inputs']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(inputs).flatMap(([port, digest]) =>
      typeof digest === 'string'
        ? [[port, digest]]
        : Object.entries(digest).map(([name, inner]) => [`${port}.${name}`, inner]),
    ),
  );

function changed<T extends Json>(
  before: Readonly<Record<string, T>>,
  now: Readonly<Record<string, T>>,
): [string, T | undefined, T | undefined][] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return keys.filter((key) => text(before[key]) !== text(now[key])).map((key) => [key, before[key], now[key]]);
}

const text = (value: Json | undefined): string | undefined => (value === undefined ? undefined : canonicalJson(value));

function short(value: Json | undefined): string {
  const said = value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
  return said.length > 40 ? `${said.slice(0, 39)}…` : said;
}
