#!/usr/bin/env node
/**
 * `r1`, quickly: from the one file with compiled code beside it that set-up has made (`bin/setup/bundle.js`), as long as that
 * was made from the modules which lie here now. Otherwise, and in an installed copy, from the modules themselves, of which
 * Node takes a millisecond for each.
 */
import fs = require('node:fs');
import path = require('node:path');
import url = require('node:url');
import vm = require('node:vm');

/** A file of dist: path below it, bytes, time stamp in ms. */
type Listed = readonly [string, number, number];

/** What set-up writes beside the one file. */
interface Made {
  readonly script: Listed;
  /** What V8 made of it; another version of Node compiles it anew. */
  readonly compiled: Listed;
  /** The modules that it consists of. */
  readonly from: readonly Listed[];
}

/** What the one file gives. */
interface OneFile {
  main(words: readonly string[]): Promise<void>;
  /** Modules of it that are asked for by their place: path below dist → the module. */
  readonly modules: Readonly<Record<string, (() => Promise<unknown>) | undefined>>;
}

type Load = (specifier: string) => Promise<unknown>;
type Open = (require: NodeJS.Require, load: Load, at: (file: string) => string) => OneFile;

const dist = path.dirname(__dirname);
const below = url.pathToFileURL(dist + path.sep).href;
const packages = new URL('../node_modules/', below).href;

/** What was made here; `undefined` where nothing was, or where it is no longer what lies here. */
function whatWasMade(): Made | undefined {
  let made: Made;
  try {
    made = JSON.parse(fs.readFileSync(`${dist}/start/made.json`, 'utf8')) as Made;
  } catch (error) {
    // Half a list is what a power cut may leave.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return [made.script, made.compiled, ...made.from].every(isAsListed) ? made : undefined;
}

function isAsListed([file, bytes, mtimeMs]: Listed): boolean {
  const facts = fs.statSync(`${dist}/${file}`, {throwIfNoEntry: false});
  return facts?.size === bytes && facts.mtimeMs === mtimeMs;
}

function oneFile({script: [script], compiled: [compiled]}: Made): OneFile {
  const filename = path.join(dist, script);
  const open = new vm.Script(fs.readFileSync(filename, 'latin1'), {
    filename,
    cachedData: fs.readFileSync(path.join(dist, compiled)),
  }).runInThisContext() as Open;
  /**
   * A module of somebody's own imports ours from their files. Then every stage must come from there, since one that is
   * there twice would be two stages.
   */
  let foreign = false;
  const load: Load = (specifier) => {
    const own = specifier.startsWith(below) ? opened.modules[specifier.slice(below.length)] : undefined;
    if (own !== undefined && !foreign) return own();
    if (specifier.startsWith('file:') && !specifier.startsWith(packages)) foreign = true;
    return import(specifier);
  };
  const opened = open(require, load, (file) => below + file);
  return opened;
}

const made = whatWasMade();
if (made === undefined) void import('./r1.js');
else void oneFile(made).main(process.argv.slice(2));
