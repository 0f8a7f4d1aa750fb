/**
 * What a code digest was taken of, under names for people: kept with each attempt, in no digest. Two of them say what has
 * changed between two versions of a stage's code.
 */
import type {Json} from '../digest.js';

export interface CodeParts {
  /** Name of a file → digest of its tokens, or of its bytes where it is no module. */
  readonly files: Readonly<Record<string, string>>;
  /** Name → version. */
  readonly packages: Readonly<Record<string, string>>;
  /**
   * Name of a file → what the names in it lead to, in their order. Missing in parts that r1 0.1 wrote: it counted tokens in
   * another way, so their digests can be compared among themselves only.
   */
  readonly imports?: Readonly<Record<string, readonly string[]>>;
}

/** The parts of all code behind an attempt. */
export interface AttemptCode extends CodeParts {
  /** `option/name` of a definition that the attempt's node was wired with → what its own digest was taken of. */
  readonly definitions?: Readonly<Record<string, CodeParts>>;
}

export type CodeChange =
  /** They were counted in two ways, so nothing can be said of single files. */
  | {readonly change: 'counting'}
  /** Other tokens, or other bytes. */
  | {readonly change: 'content'; readonly file: string; readonly before: string; readonly now: string}
  /** The same tokens, but what they import is something else. */
  | {readonly change: 'imports'; readonly file: string; readonly before: string; readonly now: string}
  | {readonly change: 'new' | 'gone'; readonly file: string; readonly digest: string}
  | {readonly change: 'moved'; readonly file: string; readonly to: string}
  | {
      readonly change: 'package';
      readonly name: string;
      readonly before: string | undefined;
      readonly now: string | undefined;
    };

/** Parts as they were stored; `undefined` where there are none, or none that could be read: a store may come from anybody. */
export function asCodeParts(stored: Json | undefined): AttemptCode | undefined {
  if (!isRecord(stored) || !areParts(stored)) return undefined;
  const {definitions} = stored;
  const areWhole = definitions === undefined || (isRecord(definitions) && Object.values(definitions).every(areParts));
  return areWhole ? (stored as unknown as AttemptCode) : undefined;
}

function areParts(stored: Json): boolean {
  if (!isRecord(stored)) return false;
  const {files, packages, imports} = stored;
  const isText = (value: Json): boolean => typeof value === 'string';
  const isList = (value: Json): boolean => Array.isArray(value) && (value as readonly Json[]).every(isText);
  return (
    isRecord(files) &&
    Object.values(files).every(isText) &&
    isRecord(packages) &&
    Object.values(packages).every(isText) &&
    (imports === undefined || (isRecord(imports) && Object.values(imports).every(isList)))
  );
}

const isRecord = (value: Json | undefined): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What differs, moved files last, since a move alone changes no digest. */
export function codeChanges(before: CodeParts, now: CodeParts): readonly CodeChange[] {
  if ((before.imports === undefined) !== (now.imports === undefined)) return [{change: 'counting'}];
  const moved = movesBetween(before, now);
  const arrived = new Set(moved.values());
  const changes: CodeChange[] = [];
  for (const file of namesIn(before.files, now.files)) {
    const was = at(before.files, file);
    const today = moved.get(file) ?? file;
    const is = was === undefined && arrived.has(file) ? undefined : at(now.files, today);
    if (was !== undefined && is !== undefined) {
      if (was !== is) changes.push({change: 'content', file: today, before: was, now: is});
    } else if (was !== undefined) changes.push({change: 'gone', file, digest: was});
    else if (is !== undefined) changes.push({change: 'new', file, digest: is});
  }
  for (const [file, targets] of Object.entries(before.imports ?? {})) {
    const today = moved.get(file) ?? file;
    // What is new, gone or has other tokens was named above.
    if (at(before.files, file) !== at(now.files, today)) continue;
    const [was, is] = [targets.map((target) => moved.get(target) ?? target), at(now.imports ?? {}, today) ?? []];
    if (was.join('\n') !== is.join('\n')) {
      changes.push({change: 'imports', file: today, before: was.join(', '), now: is.join(', ')});
    }
  }
  for (const name of namesIn(before.packages, now.packages)) {
    const [was, is] = [at(before.packages, name), at(now.packages, name)];
    if (was !== is) changes.push({change: 'package', name, before: was, now: is});
  }
  for (const [file, to] of moved) {
    if (at(before.files, file) === at(now.files, to)) changes.push({change: 'moved', file, to});
  }
  return changes;
}

/** Files may be called like what every object has. */
const at = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

type Names = Readonly<Record<string, string>>;

const namesIn = (before: Names, now: Names): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();

/** Files that are there under one name only, in pairs: old name → new name. */
function movesBetween(before: CodeParts, now: CodeParts): ReadonlyMap<string, string> {
  const gone = new Set(Object.keys(before.files).filter((file) => at(now.files, file) === undefined));
  const arrived = new Set(Object.keys(now.files).filter((file) => at(before.files, file) === undefined));
  const moved = new Map<string, string>();
  const pair = (file: string, to: string): void => {
    moved.set(file, to);
    gone.delete(file);
    arrived.delete(to);
  };
  const byContent = new Map<string, string[]>();
  for (const file of [...arrived].sort())
    byContent.set(at(now.files, file)!, [...(byContent.get(at(now.files, file)!) ?? []), file]);
  for (const file of [...gone].sort()) {
    const to = byContent.get(at(before.files, file)!)?.shift();
    if (to !== undefined) pair(file, to);
  }
  // What was changed as well is known by who imports it, in the same place as before.
  for (let known = -1; known !== moved.size;) {
    known = moved.size;
    for (const [file, targets] of Object.entries(before.imports ?? {})) {
      const today = moved.get(file) ?? file;
      if (at(before.files, file) !== at(now.files, today)) continue;
      targets.forEach((target, i) => {
        const to = at(now.imports ?? {}, today)?.[i];
        if (gone.has(target) && to !== undefined && arrived.has(to)) pair(target, to);
      });
    }
  }
  return moved;
}
