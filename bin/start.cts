#!/usr/bin/env node
/**
 * `r1`, quickly: from the one file with compiled code beside it that set-up has made (`bin/setup/bundle.js`), as long as that
 * was made from the modules which lie here now. Otherwise, and in an installed copy, from the modules themselves, of which
 * Node takes a millisecond for each.
 *
 * The file comes in three parts: what every command needs; what lies behind it (stages, recipes, the parser); and execa, which
 * starts the shells that start jobs. The last two are read when something of them is asked for.
 */
import crypto = require('node:crypto');
import fs = require('node:fs');
import path = require('node:path');
import url = require('node:url');
import vm = require('node:vm');

/** What set-up writes beside the parts. */
interface Made {
  readonly parts: Readonly<Record<keyof Scripts, MadePart>>;
  /** The parts, the modules that they consist of, and npm's list of the packages: path below dist, bytes, time stamp in ms. */
  readonly from: readonly (readonly [string, number, number])[];
}

interface MadePart {
  readonly script: string;
  /** Name and SHA-256 of what V8 made of it, which another version of Node makes anew. */
  readonly compiled: readonly [string, string];
}

/** Modules by their path below dist. */
type Modules = Readonly<Record<string, (() => unknown) | undefined>>;

interface Core {
  main(words: readonly string[]): Promise<void>;
  /** Modules that the other part imports. */
  readonly modules: Modules;
}

/** Opens a part, telling it how to get at what is not in it: of Node and native, of others by specifier, of the other part. */
type Open = (
  require: (name: string) => unknown,
  load: (specifier: string) => Promise<unknown>,
  at: (file: string) => string,
  other: (file: string) => unknown,
) => unknown;

interface Scripts {
  readonly core: () => vm.Script;
  readonly late: () => vm.Script;
  readonly execa: () => vm.Script;
}

/** Parts of Node that most starts never come to use; to load one takes a millisecond or two. */
const LATE_IN_NODE = new Set([
  'node:child_process',
  'node:fs/promises',
  'node:readline',
  'node:v8',
  'node:worker_threads',
]);

/** Parts of Node, and what is native, are asked for by names that only come with the file. */
const asked: (name: string) => unknown = require;

const dist = path.dirname(__dirname);
const folder = path.join(dist, 'start');
const below = url.pathToFileURL(dist + path.sep).href;
const packages = new URL('../node_modules/', below).href;

/** The code that was made here; `undefined` where there is none, or where it is no longer that of what lies here. */
function madeHere(): Scripts | undefined {
  try {
    const {parts, from} = JSON.parse(fs.readFileSync(path.join(folder, 'made.json'), 'utf8')) as Made;
    if (!from.every(isAsListed)) return undefined;
    const [core, late, execa] = [holdOf(parts.core), holdOf(parts.late), holdOf(parts.execa)];
    const script = scriptOf(core);
    return {core: () => script, late: () => scriptOf(late), execa: () => scriptOf(execa)};
  } catch (error) {
    // Half a list is what a power cut may leave; and a set-up may be replacing the files just now.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Open files of a part: set-up may replace them before this process comes to read them. */
interface Hold {
  readonly filename: string;
  readonly text: number;
  readonly code: number;
  readonly sha256: string;
}

function holdOf({script, compiled: [name, sha256]}: MadePart): Hold {
  const filename = path.join(folder, script);
  return {filename, text: fs.openSync(filename, 'r'), code: fs.openSync(path.join(folder, name), 'r'), sha256};
}

/** Without its compiled code if that is damaged: V8 believes it, and would fall over it. */
function scriptOf({filename, text, code, sha256}: Hold): vm.Script {
  const source = fs.readFileSync(text, 'latin1');
  const cachedData = fs.readFileSync(code);
  for (const file of [text, code]) fs.closeSync(file);
  const isWhole = crypto.createHash('sha256').update(cachedData).digest('hex') === sha256;
  return new vm.Script(source, {filename, ...(isWhole ? {cachedData} : {})});
}

function isAsListed([file, bytes, mtimeMs]: Made['from'][number]): boolean {
  const facts = fs.statSync(`${dist}/${file}`, {throwIfNoEntry: false});
  return facts?.size === bytes && facts.mtimeMs === mtimeMs;
}

/** Stands for a part of Node until something of it is wanted. */
const whenUsed = (name: string): object =>
  new Proxy({}, {get: (_, key) => Reflect.get(asked(name) as object, key) as unknown});

function open({core, late, execa}: Scripts): Core {
  const part = (script: vm.Script, other: (file: string) => unknown): unknown =>
    (script.runInThisContext() as Open)(
      (name) => (LATE_IN_NODE.has(name) ? whenUsed(name) : asked(name)),
      load,
      (file) => below + file,
      other,
    );
  const moduleOf = (modules: Modules, file: string): unknown => {
    const found = modules[file];
    if (found === undefined) throw new Error(`Internal error: ${file} is in no part of the one file`);
    return found();
  };
  let behind: Modules | undefined;
  const lateModules = (): Modules =>
    (behind ??= (part(late(), (file) => moduleOf(opened.modules, file)) as Pick<Core, 'modules'>).modules);
  /**
   * A module of somebody's own imports ours from their files. Then every stage must come from there, since one that is
   * there twice would be two stages.
   */
  let foreign = false;
  const load = async (specifier: string): Promise<unknown> => {
    if (specifier === 'execa') return part(execa(), asked);
    const name = specifier.startsWith(below) ? specifier.slice(below.length) : '';
    const own = name.startsWith('stages/') && !foreign ? lateModules()[name] : undefined;
    if (own !== undefined) return own();
    if (specifier.startsWith('file:') && !specifier.startsWith(packages)) foreign = true;
    return (await import(specifier)) as unknown;
  };
  const opened = part(core(), (file) => moduleOf(lateModules(), file)) as Core;
  return opened;
}

async function start(scripts: Scripts): Promise<void> {
  await open(scripts).main(process.argv.slice(2));
  // What Node takes down piece by piece at its end, the system takes back at once. Only a slow reader has to be waited for.
  if ([process.stdout, process.stderr].every(({writableLength}) => writableLength === 0)) process.exit();
}

if (require.main === module) {
  const scripts = madeHere();
  if (scripts === undefined) void import('./r1.js');
  else void start(scripts);
}

/** For who compiles it (`bin/setup/warm.cjs`). */
export = open;
