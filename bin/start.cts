#!/usr/bin/env node
/**
 * `r1`, quickly: from the one file with compiled code beside it that set-up has made (`bin/setup/one-file/bundle.js`), as long as that
 * was made from the modules which lie here now. Otherwise, and in an installed copy, from the modules themselves, of which
 * Node takes a millisecond for each.
 *
 * The file comes in parts: what every command needs; the stages and recipes; what starts jobs, with its package; and what seldom
 * is needed (the other commands, the parser, what stages compute with). All but the first are read when something of them is
 * asked for.
 */
import crypto = require('node:crypto');
import fs = require('node:fs');
import path = require('node:path');
import url = require('node:url');
import vm = require('node:vm');

/** What set-up writes beside the parts. */
interface Made {
  readonly parts: Readonly<Record<Part, MadePart>>;
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

/** Each part has the modules that others ask it for. */
interface Opened {
  readonly modules: Modules;
}

interface Core extends Opened {
  main(words: readonly string[]): Promise<void>;
}

/**
 * Opens a part, telling it how to get at what is not in it: of Node and native, of others by specifier, where a module of ours
 * lies, and modules of another part.
 */
type Open = (
  require: (name: string) => unknown,
  load: (specifier: string) => Promise<unknown>,
  at: (file: string) => string,
  other: (part: Part, file: string) => unknown,
) => unknown;

type Part = 'core' | 'stages' | 'jobs' | 'late';
type Scripts = Readonly<Record<Part, () => vm.Script>>;

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

/** The code that was made here; `undefined` where there is none, or where it is no longer that of what lies here. */
function madeHere(): Scripts | undefined {
  try {
    const {parts, from} = JSON.parse(fs.readFileSync(path.join(folder, 'made.json'), 'utf8')) as Made;
    if (!from.every(isAsListed)) return undefined;
    const held = (part: Part): (() => vm.Script) => {
      const hold = holdOf(parts[part]);
      return () => scriptOf(hold);
    };
    const [core, stages, jobs, late] = [held('core'), held('stages'), held('jobs'), held('late')];
    const script = core();
    return {core: () => script, stages, jobs, late};
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

/** Where modules of the file are found by who got their address (`pipeline/modules/bundled.ts`). */
const MODULES = Symbol.for('r1.modules');

function open(scripts: Scripts): Core {
  const part = (script: vm.Script): unknown =>
    (script.runInThisContext() as Open)(
      (name) => (LATE_IN_NODE.has(name) ? whenUsed(name) : asked(name)),
      load,
      (file) => below + file,
      (of, file) => {
        const found = openPart(of).modules[file];
        if (found === undefined) throw new Error(`Internal error: ${file} is not in the part ${of} of the one file`);
        return found();
      },
    );
  const parts = new Map<Part, Opened>();
  const openPart = (name: Part): Opened => {
    let found = parts.get(name);
    if (found === undefined) parts.set(name, (found = part(scripts[name]()) as Opened));
    return found;
  };
  /** A stage, a recipe or one of our doors, which are asked for by their address. */
  const moduleAt = (url: string): unknown => {
    const name = url.startsWith(below) ? url.slice(below.length) : '';
    if (!/^(?:artifacts|pipeline|stages)\//.test(name)) return undefined;
    return (openPart('core').modules[name] ?? openPart('stages').modules[name])?.();
  };
  const load = async (specifier: string): Promise<unknown> =>
    moduleAt(specifier) ?? ((await import(specifier)) as unknown);
  Reflect.set(globalThis, MODULES, moduleAt);
  return openPart('core') as Core;
}

async function start(scripts: Scripts): Promise<void> {
  await open(scripts).main(process.argv.slice(2));
  // What Node takes down piece by piece at its end, the system takes back at once. All that was said has left by now.
  process.exit();
}

if (require.main === module) {
  const scripts = madeHere();
  if (scripts === undefined) void import('./r1.js');
  else void start(scripts);
}

/** For who compiles it (`bin/setup/one-file/warm.cjs`). */
export = open;
