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
  /** The modules that it consists of, and npm's list of the packages. */
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

/** The code that was made here; `undefined` where there is none, or where it is no longer that of what lies here. */
function readCode(): {filename: string; text: string; cachedData: Buffer} | undefined {
  try {
    const {script, compiled, from} = JSON.parse(fs.readFileSync(`${dist}/start/made.json`, 'utf8')) as Made;
    if (![script, compiled, ...from].every(isAsListed)) return undefined;
    const filename = path.join(dist, script[0]);
    return {
      filename,
      text: fs.readFileSync(filename, 'latin1'),
      cachedData: fs.readFileSync(path.join(dist, compiled[0])),
    };
  } catch (error) {
    // Half a list is what a power cut may leave; and a set-up may be replacing the files just now.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAsListed([file, bytes, mtimeMs]: Listed): boolean {
  const facts = fs.statSync(`${dist}/${file}`, {throwIfNoEntry: false});
  return facts?.size === bytes && facts.mtimeMs === mtimeMs;
}

function oneFile({filename, text, cachedData}: NonNullable<ReturnType<typeof readCode>>): OneFile {
  const open = new vm.Script(text, {filename, cachedData}).runInThisContext() as Open;
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

const code = readCode();
if (code === undefined) void import('./r1.js');
else void oneFile(code).main(process.argv.slice(2));
