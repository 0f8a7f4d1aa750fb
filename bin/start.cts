#!/usr/bin/env node
/**
 * `r1`, quickly: from the one file with compiled code beside it that set-up has made (`bin/setup/bundle.js`), as long as that
 * was made from the modules which lie here now. Otherwise, and in an installed copy, from the modules themselves, of which
 * Node takes a millisecond for each.
 */
import crypto = require('node:crypto');
import fs = require('node:fs');
import path = require('node:path');
import url = require('node:url');
import vm = require('node:vm');

/** What set-up writes beside the one file. */
interface Made {
  /** Name and SHA-256 of the file, and of what V8 made of it, which another version of Node makes anew. */
  readonly script: readonly [string, string];
  readonly compiled: readonly [string, string];
  /** The modules that it consists of, and npm's list of the packages: path below dist, bytes, time stamp in ms. */
  readonly from: readonly (readonly [string, number, number])[];
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
const folder = path.join(dist, 'start');
const below = url.pathToFileURL(dist + path.sep).href;
const packages = new URL('../node_modules/', below).href;

/** The code that was made here; `undefined` where there is none, or where it is no longer that of what lies here. */
function readCode(): {filename: string; text: string; cachedData: Buffer} | undefined {
  try {
    const {script, compiled, from} = JSON.parse(fs.readFileSync(path.join(folder, 'made.json'), 'utf8')) as Made;
    if (!from.every(isAsListed)) return undefined;
    const [text, cachedData] = [readWhole(script), readWhole(compiled)];
    if (text === undefined || cachedData === undefined) return undefined;
    return {filename: path.join(folder, script[0]), text: text.toString('latin1'), cachedData};
  } catch (error) {
    // Half a list is what a power cut may leave; and a set-up may be replacing the files just now.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The file if its bytes are those that were written: V8 believes compiled code, and falls over a damaged one. */
function readWhole([name, sha256]: Made['script']): Buffer | undefined {
  const bytes = fs.readFileSync(path.join(folder, name));
  return crypto.createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : undefined;
}

function isAsListed([file, bytes, mtimeMs]: Made['from'][number]): boolean {
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
