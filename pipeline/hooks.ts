/**
 * Module hooks for recipes and stages of one's own: `.ts` files are stripped of their types in place (lines and columns
 * stay), and the package's own name resolves to this very copy, wherever the file lies and whatever is installed there.
 * Enums, namespaces and parameter properties are not erasable and are refused with their place.
 */
import {existsSync, readFileSync} from 'node:fs';
import module from 'node:module';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type * as Swc from '@swc/wasm-typescript';
import {settled} from './never-settles.js';
import {doorInOneFile} from './onefile.js';
import {ownExport} from './own-package.js';
import type {Door} from './plain.js';
import {importPlain} from './plain.js';

interface SyncHooks {
  resolve(specifier: string, context: unknown, next: (specifier: string, context: unknown) => unknown): unknown;
  load(url: string, context: unknown, next: (url: string, context: unknown) => unknown): unknown;
}

// Node 22.15 and later run hooks in the thread itself; before that they live in a thread of their own.
const {registerHooks} = module as unknown as {registerHooks?: (hooks: SyncHooks) => void};

let installed = false;

/** Plain modules that were imported: Node has them under their addresses, too, but takes a millisecond to say so. */
const plainOnes = new Map<string, Record<string, unknown>>();

/** Imports a module of somebody's own, which may be typed and may name this package. */
export async function importForeign(url: string): Promise<Record<string, unknown>> {
  const known = plainOnes.get(url);
  if (known !== undefined) return known;
  if (!installed) {
    const doors = await doorsNamedIn(url);
    const plain = registerHooks === undefined ? importPlain(url, doors) : undefined;
    if (plain !== undefined) {
      plainOnes.set(url, plain);
      return plain;
    }
    installHooks(doors);
  }
  const imported = import(url) as Promise<Record<string, unknown>>;
  return settled(imported, 'its top-level `await`, or that of a module it imports,');
}

/** Installs the hooks for this process, once. */
function installHooks(doors: ReadonlyMap<string, Door>): void {
  installed = true;
  for (const [name, {address}] of doors) addresses.set(name, address);
  if (registerHooks !== undefined) registerHooks({resolve: resolveHook, load: loadHook});
  else module.register(import.meta.url, {data: addresses});
}

/** In the thread of the hooks: what the other one had found. */
export function initialize(found: ReadonlyMap<string, string>): void {
  for (const [name, address] of found) addresses.set(name, address);
}

/** Our own doors that are open, by the name that a recipe calls them. */
const addresses = new Map<string, string>();

/**
 * The doors that a module names, and what is behind them: dozens of modules, which come sooner before there are hooks that
 * Node asks twice for each.
 */
async function doorsNamedIn(url: string): Promise<ReadonlyMap<string, Door>> {
  const file = fileURLToPath(url);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const names = new Set(Array.from(text.matchAll(/['"](r1(?:\/[\w/-]+)?)['"]/g), ([, name]) => name!));
  const doors = await Promise.all([...names].map(async (name) => [name, await openDoor(name)] as const));
  return new Map(doors.filter((door): door is [string, Door] => door[1] !== undefined));
}

async function openDoor(name: string): Promise<Door | undefined> {
  const address = ownExport(name);
  if (address === undefined) return undefined;
  return doorInOneFile(address) ?? {address, exports: (await import(address)) as Record<string, unknown>};
}

/** Hooks by the name that `module.register` looks for; both forms of hook share these. */
export {resolveHook as resolve, loadHook as load};

function resolveHook(
  specifier: string,
  context: unknown,
  next: (specifier: string, context: unknown) => unknown,
): unknown {
  const own = addresses.get(specifier) ?? addressOf(specifier);
  if (own !== undefined) return {url: own, shortCircuit: true, format: 'module'};
  const typed = typedSibling(specifier, (context as {parentURL?: string}).parentURL);
  return typed === undefined ? next(specifier, context) : {url: typed, shortCircuit: true, format: 'module'};
}

/** Where a door is that no module named before there were hooks. */
function addressOf(specifier: string): string | undefined {
  const own = ownExport(specifier);
  return own === undefined ? undefined : (doorInOneFile(own)?.address ?? own);
}

function loadHook(url: string, context: unknown, next: (url: string, context: unknown) => unknown): unknown {
  if (/^file:.*\.m?ts$/.test(url)) return {format: 'module', shortCircuit: true, source: strip(fileURLToPath(url))};
  if (!isUndeclared(url)) return next(url, context);
  const source = readFileSync(fileURLToPath(url), 'utf8');
  if (/\b(module\.exports|exports\.\w|require\()/.test(source)) return next(url, context);
  return {format: 'module', shortCircuit: true, source};
}

/**
 * A `.js` file that no package.json says the type of. Node would guess, and take a module without imports for a script;
 * here recipes and what they import are modules, unless they speak CommonJS.
 */
function isUndeclared(url: string): boolean {
  if (!/^file:.*\.js$/.test(url) || url.includes('/node_modules/')) return false;
  for (let folder = dirname(fileURLToPath(url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return !('type' in (JSON.parse(readFileSync(manifest, 'utf8')) as object));
    if (folder === dirname(folder)) return true;
  }
}

/** `./my-stage.js` written in a typed file means `./my-stage.ts` when only that is there, as the compiler has it. */
export function typedSibling(specifier: string, parent: string | undefined): string | undefined {
  if (parent === undefined || !/^\.{1,2}\//.test(specifier) || !/\.m?js$/.test(specifier)) return undefined;
  if (!parent.startsWith('file:') || !/\.m?ts$/.test(parent)) return undefined;
  const asWritten = new URL(specifier, parent);
  const typed = new URL(specifier.replace(/js$/, 'ts'), parent);
  return exists(asWritten) || !exists(typed) ? undefined : typed.href;
}

const exists = (url: URL): boolean => existsSync(fileURLToPath(url));

/** What swc throws: a plain object with the place of the mistake, columns counted from 0. */
interface SwcError {
  readonly message: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

const require = module.createRequire(import.meta.url);

/** The JavaScript of a typed file, every remaining character where it was. Throws a SyntaxError that starts with the place. */
export function strip(file: string, source = readFileSync(file, 'utf8')): string {
  const swc = require('@swc/wasm-typescript') as typeof Swc;
  try {
    return swc.transformSync(source, {mode: 'strip-only', filename: file}).code;
  } catch (error) {
    const {message, startLine, startColumn} = error as SwcError;
    if (startLine === undefined || startColumn === undefined) throw error;
    throw new SyntaxError(`${file}:${startLine}:${startColumn + 1}: ${message}`);
  }
}
