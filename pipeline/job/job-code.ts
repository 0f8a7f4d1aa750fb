/**
 * The code of a node as it was when its digest was taken, and what its process is to be given of it: a snapshot for module
 * hooks, and for files that no hook can give, what they are now.
 */
import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {UserError} from '../../artifacts/index.js';
import {openCodeReader} from '../fingerprint/code-digest.js';
import type {Code, CodeReader, TokenCache} from '../fingerprint/code-digest.js';
import {jobFiles, readJob} from './folder.js';
import type {FilesByPath} from './folder.js';
import {formatOf} from '../modules/source/module-format.js';
import type {CodeChanged, Outcome} from '../outcome.js';
import {OWN_MODULES, isOwn, ownUrl} from '../modules/own-package.js';
import {openResolver} from '../modules/resolve-name.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import {wentBeyond} from '../modules/snapshot/snapshot.js';
import type {SnapshotFile, SnapshotFiles} from '../modules/snapshot/snapshot.js';
import {isUntouched, markIfSame, openSources} from '../modules/source/sources.js';
import type {KnownFile, Sources} from '../modules/source/sources.js';
import type {DefinitionRef} from '../definition.js';
import type {AnyStage} from '../stage.js';
import {allOptions} from '../wiring/check-definitions.js';
import type {ExportNames} from '../wiring/export-names.js';
import {modulesOf} from '../wiring/nodes.js';
import type {StageNode} from '../wiring/nodes.js';

export interface JobCode {
  /** URL of the module that exports the stage. */
  readonly module: string;
  /** What the stage finds of the definitions of its node: option → definitions, for every option that the stage declares. */
  readonly definitions: Readonly<Record<string, readonly DefinitionRef[]>>;
  /** What it is given whatever lies on the disk by then. */
  readonly snapshot: SnapshotFiles;
  /** @param url of a file of the snapshot */
  bytesOf(url: string): Buffer;
  /** What a program, or native code, may read by path. */
  readonly byPath: FilesByPath;
  /** Whether its text tells that it starts none. Then its code is what the snapshot has, and the disk does not matter. */
  readonly isAlone: boolean;
  /** Modules of this package that the stage's process runs. */
  readonly own: ReadonlyMap<string, KnownFile>;
}

type CodeOfNode = Pick<StageNode, 'stage' | 'definitions'>;

/** Reads code as it is today; files that turn out to have changed since can be read once more. */
export interface CurrentCode extends CodeReader {
  jobCodeOf(node: CodeOfNode, exports: ExportNames): JobCode;
  /**
   * From now on, these files are what they hold now, if the code that was asked for so far can still be read then. What the
   * names in it lead to, and modules that this process has loaded, stay as they were.
   *
   * @returns whether it can
   */
  renew(urls: readonly string[]): boolean;
}

export function openCurrentCode(cache: TokenCache): CurrentCode {
  const resolver = openResolver();
  const asked = new Set<string>();
  const readerOf = (sources: Sources) => ({
    sources,
    reader: openCodeReader(cache, sources, resolver),
    /** Of the stages that were asked for: a thousand nodes may have the same one, those with the same definitions the same code. */
    jobCodes: new Map<AnyStage, Map<string, JobCode>>(),
  });
  const all = [readerOf(openSources())];
  const codeOf = (url: string): Code => {
    asked.add(url);
    return all[0]!.reader.codeOf(url);
  };
  return {
    codeOf,
    partsOf: (digest) => all.map(({reader}) => reader.partsOf(digest)).find((parts) => parts !== undefined),
    jobCodeOf(node, exports) {
      const {sources, jobCodes} = all[0]!;
      const {stage, definitions} = node;
      let known = jobCodes.get(stage);
      if (known === undefined) jobCodes.set(stage, (known = new Map<string, JobCode>()));
      const refs = refsTo(definitions, exports, (module) => codeOf(module).urls[0]!);
      const key = definitions === undefined ? '' : JSON.stringify(refs);
      let found = known.get(key);
      if (found === undefined) {
        const files = filesOfCode(modulesOf(node).map(codeOf), stage, sources);
        found = {...files, definitions: allOptions(stage.definitions, refs)};
        known.set(key, found);
      }
      return found;
    },
    renew(urls) {
      const next = readerOf(all[0]!.sources.without(urls));
      try {
        for (const url of asked) next.reader.codeOf(url);
      } catch (error) {
        // Something of it is gone, or no module any more.
        if (!(error instanceof UserError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
        return false;
      }
      all.unshift(next);
      return true;
    },
  };
}

/** A larger file is left where it lies. */
const MOST_BYTES = 64 << 20;

/** What starts programs or loads native code, as modules name it. */
const BEYOND = /\b(?:child_process|cluster|wasi|dlopen)\b|\.node\b/;

/** Where a stage's process finds the definitions that its node is wired with. @param moduleOf the address without links */
const refsTo = (
  definitions: StageNode['definitions'] = {},
  exports: ExportNames,
  moduleOf: (module: string) => string,
): JobCode['definitions'] =>
  Object.fromEntries(
    Object.entries(definitions).map(([option, list]) => [
      option,
      list.map((each) => ({
        kind: each.kind,
        name: each.name,
        module: moduleOf(each.module),
        export: exports.get(each)!,
      })),
    ]),
  );

/** @param codes of the stage, then of the definitions; a file that several of them reach is the same file in each */
function filesOfCode(codes: readonly Code[], {argv}: AnyStage, sources: Sources): Omit<JobCode, 'definitions'> {
  const urls = [...new Set(codes.flatMap((code) => code.urls))];
  const named = Object.assign({}, ...codes.map((code) => code.named)) as Code['named'];
  const links = Object.assign({}, ...codes.map((code) => code.links)) as Code['links'];
  const leads = Object.assign({}, ...codes.map((code) => code.leads)) as Code['leads'];
  const known = (url: string): KnownFile => {
    const {sha256, mark} = sources.read(url);
    return {sha256, mark};
  };
  const isProgram = argv !== undefined;
  const snapshot: Record<string, SnapshotFile> = {};
  const byPath: Record<string, Record<string, KnownFile>> = {};
  const own = new Map<string, KnownFile>();
  let isAlone = !isProgram && codes.every(({parts}) => Object.keys(parts.packages).length === 0);
  for (const url of urls) {
    if (isOwn(url)) {
      // A program runs none of these: what they do for it is done here already.
      if (!isProgram) own.set(url, known(url));
      continue;
    }
    const {bytes, sha256} = sources.read(url);
    const format = formatOf(url, () => bytes);
    if (format === undefined) byPath[url] = {[url]: known(url)};
    else isAlone &&= !BEYOND.test(bytes.toString('utf8'));
    if (!isProgram && bytes.length <= MOST_BYTES) {
      const names = leads[url];
      snapshot[url] = {sha256, ...(format === undefined ? {} : {format}), ...(names === undefined ? {} : {names})};
    }
  }
  const linksTo = new Map<string, string[]>();
  for (const [link, url] of Object.entries(links)) {
    if (snapshot[url] !== undefined) snapshot[link] = {...snapshot[url], at: url};
    linksTo.set(url, [...(linksTo.get(url) ?? []), link]);
  }
  for (const [root, reach] of Object.entries(named)) {
    if (isOwn(root)) continue;
    // A link that leads somewhere else by the time when a program follows it has been changed as well.
    const files = reach.filter((url) => !isOwn(url));
    byPath[root] = Object.fromEntries(
      files.flatMap((url) => [url, ...(linksTo.get(url) ?? [])].map((each) => [each, known(url)])),
    );
  }
  return {module: urls[0]!, snapshot, bytesOf: (url) => sources.read(url).bytes, byPath, isAlone, own};
}

const filesOf = (byPath: FilesByPath): (readonly [string, KnownFile])[] => [
  ...new Map(Object.values(byPath).flatMap((reach) => Object.entries(reach))),
];

/**
 * Files that have to be on the disk what they were when the digest was taken. Modules do not: what starts them is nearly
 * always given the snapshot, and where it was not, that comes out in the end.
 */
const onDisk = ({byPath, snapshot, isAlone}: JobCode): (readonly [string, KnownFile])[] =>
  filesOf(byPath).filter(([url]) => !(url in snapshot) || (!isAlone && snapshot[url]!.format === undefined));

/**
 * The same code with what is read by path as it lies there now, before anything has started; or the URLs of those files that
 * changed since they were read for the digest.
 */
export function markCode(code: JobCode): Result<JobCode, readonly string[]> {
  const marks = new Map<string, KnownFile>();
  const changed: string[] = [];
  for (const [url, file] of onDisk(code)) {
    const mark = markIfSame(url, file);
    if (mark === undefined && !isOnlyGone(url, code)) changed.push(url);
    else if (mark !== undefined) marks.set(url, {...file, mark});
  }
  if (changed.length > 0) return err(changed);
  const marked = (files: Readonly<Record<string, KnownFile>>) =>
    Object.fromEntries(Object.entries(files).map(([url, file]) => [url, marks.get(url) ?? file]));
  const byPath = Object.fromEntries(Object.entries(code.byPath).map(([root, files]) => [root, marked(files)]));
  return ok({...code, byPath});
}

/** Files that somebody touched between `markCode` and the start of the process. */
export const findTouchedBeforeStart = (code: JobCode): readonly string[] =>
  findTouched(onDisk(code)).filter((url) => !isOnlyGone(url, code));

/** It can mislead nobody, and who reads it through the snapshot still has it. */
const isOnlyGone = (url: string, {snapshot}: JobCode): boolean => url in snapshot && !existsSync(fileURLToPath(url));

/**
 * The outcome of an attempt, now that nothing of it runs any more: if its code is not what it was when it started, then this,
 * however it ended. Nobody can say what was made with, neither of its outputs nor of its checkpoints.
 */
export function checkCode(
  outcome: Outcome,
  {folder, own}: {readonly folder: string; readonly own?: ReadonlyMap<string, KnownFile>},
): Outcome {
  if (outcome.reason === 'code-changed' || outcome.reason === 'superseded') return outcome;
  // What it begins with computes nothing; but a process that met half of it ends at once.
  const atOnce = outcome.reason === 'stage-exited' || outcome.reason === 'start-failed';
  const rebuilt = own === undefined ? [] : findRebuilt(own, atOnce);
  const changed = [...findTouchedWhileRunning(folder), ...rebuilt];
  return changed.length === 0 ? outcome : codeChanged('running', changed);
}

/** Files that somebody touched while a process ran that may have read them without the snapshot. */
function findTouchedWhileRunning(folder: string): readonly string[] {
  const job = readJob(folder);
  if (!job.ok || job.value.byPath === undefined) return [];
  const {byPath, code = {}, command} = job.value;
  const isAll = command !== undefined || wentBeyond(jobFiles(folder).code);
  return findTouched(filesOf(byPath).filter(([url]) => isAll || !(url in code)));
}

const findTouched = (files: readonly (readonly [string, KnownFile])[]): string[] =>
  files.filter(([url, file]) => !isUntouched(url, file)).map(([url]) => url);

/**
 * Modules of this package that are not what they were: it is being rebuilt, or was.
 *
 * @param own of a stage's code
 * @param alsoEntry whether what every process of a stage begins with is looked at, too
 */
export function findRebuilt(own: ReadonlyMap<string, KnownFile>, alsoEntry = true): readonly string[] {
  const known = [...own, ...(alsoEntry ? (entry ??= readEntry()) : [])];
  return known.filter(([url, file]) => markIfSame(url, file) === undefined).map(([url]) => url);
}

/** What every process of a stage begins with, as it was when this process first asked. */
let entry: ReadonlyMap<string, KnownFile> | undefined;

function readEntry(): ReadonlyMap<string, KnownFile> {
  const sources = openSources();
  const found = new Map<string, KnownFile>();
  const waiting = [ownUrl('stages/main.js')];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (found.has(url)) continue;
    const {bytes, sha256, mark} = sources.read(url);
    found.set(url, {sha256, mark});
    for (const [, specifier] of bytes.toString('utf8').matchAll(/\bfrom '(\.{1,2}\/[^']+)'/g)) {
      waiting.push(new URL(specifier!, url).href);
    }
  }
  return found;
}

export const codeChanged = (when: CodeChanged['when'], urls: readonly string[]): CodeChanged => ({
  reason: 'code-changed',
  when,
  files: urls.map((url) => fileURLToPath(url)).sort(),
  ...(urls.every((url) => url.startsWith(OWN_MODULES)) ? {own: true} : {}),
});
