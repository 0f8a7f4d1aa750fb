/**
 * Module hooks for recipes and stages of one's own: `.ts` files are stripped of their types, the package's own name resolves
 * to this very copy, wherever the file lies and whatever is installed there, and what a module was loaded from is known or,
 * in the process of a stage, comes from the snapshot of its job.
 */
import {existsSync, realpathSync} from 'node:fs';
import module from 'node:module';
import {fileURLToPath, pathToFileURL} from 'node:url';
import type * as Threads from 'node:worker_threads';
import {formatOf} from './source/module-format.js';
import {requireSettled} from './never-settles.js';
import {doorInOneFile} from './bundled.js';
import {isOwn, ownExport} from './own-package.js';
import type {Door} from './rewrite-imports.js';
import {importPlain} from './rewrite-imports.js';
import {Snapshot} from './snapshot/snapshot.js';
import type {SnapshotPlace} from './snapshot/snapshot.js';
import {loadSource, shareSources} from './source/sources.js';
import type {Told} from './source/sources.js';
import {isTyped, strip} from './source/typescript.js';

interface Resolved {
  readonly url: string;
  readonly format?: string | null;
  readonly shortCircuit?: boolean;
}

interface Loaded {
  readonly format?: string | null;
  readonly source?: string | Uint8Array | null;
  readonly shortCircuit?: boolean;
}

interface ResolveContext {
  readonly conditions?: readonly string[];
  readonly parentURL?: string;
}

interface LoadContext {
  readonly conditions?: readonly string[];
  readonly importAttributes?: Readonly<Record<string, string>>;
}

/** In the thread itself hooks give values, in a thread of their own promises of them. */
type Soon<T> = T | Promise<T>;

type Resolve = (specifier: string, context: ResolveContext) => Soon<Resolved>;
type Load = (url: string, context: LoadContext) => Soon<Loaded>;

interface Hooks {
  resolve(specifier: string, context: ResolveContext, next: Resolve): Soon<Resolved>;
  load(url: string, context: LoadContext, next: Load): Soon<Loaded>;
}

// Node 22.15 and later run hooks in the thread itself; before that they live in a thread of their own.
const {registerHooks} = module as unknown as {registerHooks?: (hooks: Hooks) => void};

let installed = false;

/** In the process of a stage, what its code is made of. */
let snapshot: Snapshot | undefined;

/** Plain modules that were imported: Node has them under their addresses, too, but takes a millisecond to say so. */
const plainOnes = new Map<string, Record<string, unknown>>();

/** From now on, files of the snapshot are loaded from there; before anything of them is. */
export function serve(place: SnapshotPlace): void {
  snapshot = new Snapshot(place);
}

/** Imports a module of somebody's own, which may be typed and may name this package. */
export async function importForeign(address: string): Promise<Record<string, unknown>> {
  const url = withoutLinks(address);
  const known = plainOnes.get(url);
  if (known !== undefined) return known;
  if (!installed) {
    const isThere = snapshot?.format(url) !== undefined || existsSync(fileURLToPath(url));
    const text = isThere ? textOf(url) : '';
    const doors = await doorsNamedIn(text);
    const plain = registerHooks === undefined ? importPlain(url, text, doors) : undefined;
    if (plain !== undefined) {
      plainOnes.set(url, plain);
      return plain;
    }
    installHooks(doors);
  }
  const imported = import(url) as Promise<Record<string, unknown>>;
  return requireSettled(imported, 'its top-level `await`, or that of a module it imports,');
}

/** Node knows a module by the file that links lead to. */
function withoutLinks(url: string): string {
  if (snapshot?.format(url) !== undefined || !existsSync(fileURLToPath(url))) return url;
  return pathToFileURL(realpathSync(fileURLToPath(url))).href;
}

/** Installs the hooks for this thread, once. */
export function installHooks(doors: ReadonlyMap<string, Door> = new Map()): void {
  if (installed) return;
  installed = true;
  for (const [name, {address}] of doors) addresses.set(name, address);
  resolveRequired();
  if (registerHooks === undefined) registerInThread();
  else registerHooks({resolve: resolveHook, load: loadHook});
}

/** What the thread of the hooks is given at its start. */
interface ThreadData {
  readonly addresses: ReadonlyMap<string, string>;
  readonly snapshot: SnapshotPlace | undefined;
  /** Both threads tell each other what they read. */
  readonly port: Threads.MessagePort;
}

const require = module.createRequire(import.meta.url);

/** Before Node 22.15, and gone with Node 20: hooks in a thread, which `require` does not ask when `createRequire` made it. */
function registerInThread(): void {
  // Plain modules do without.
  const {MessageChannel} = require('node:worker_threads') as typeof Threads;
  const {port1: here, port2: port} = new MessageChannel();
  here.unref();
  share(here);
  const data: ThreadData = {addresses, snapshot: snapshot?.place, port};
  module.register(import.meta.url, {data, transferList: [port]});
  loadRequired();
}

/** In the thread of the hooks. */
export function initialize(data: ThreadData): void {
  for (const [name, address] of data.addresses) addresses.set(name, address);
  if (data.snapshot !== undefined) serve(data.snapshot);
  share(data.port);
}

function share(port: Threads.MessagePort): void {
  const {receiveMessageOnPort} = require('node:worker_threads') as typeof Threads;
  shareSources({
    *hear() {
      for (let told = receiveMessageOnPort(port); told !== undefined; told = receiveMessageOnPort(port)) {
        const [what, url, file] = told.message as Told;
        // Buffers are plain arrays on their way between threads.
        yield [what, url, {...file, bytes: Buffer.from(file.bytes)}];
      }
    },
    tell: (told) => port.postMessage(told),
  });
}

/** Our own doors that are open, by the name that a recipe calls them. */
const addresses = new Map<string, string>();

/**
 * The doors that a module names, and what is behind them: dozens of modules, which come sooner before there are hooks that
 * Node asks twice for each.
 */
async function doorsNamedIn(text: string): Promise<ReadonlyMap<string, Door>> {
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

function resolveHook(specifier: string, context: ResolveContext, next: Resolve): Soon<Resolved> {
  const own = addresses.get(specifier) ?? addressOf(specifier);
  if (own !== undefined) return {url: own, shortCircuit: true, format: 'module'};
  const kept = snapshot?.resolve(specifier, context.parentURL, isRequired(context) ? 'require' : 'import');
  if (kept !== undefined) return {url: kept, shortCircuit: true, format: snapshot!.format(kept)!};
  const typed = typedSibling(specifier, context.parentURL);
  return typed === undefined ? next(specifier, context) : {url: typed, shortCircuit: true, format: 'module'};
}

/** Where a door is that no module named before there were hooks. */
function addressOf(specifier: string): string | undefined {
  const own = ownExport(specifier);
  return own === undefined ? undefined : (doorInOneFile(own)?.address ?? own);
}

function loadHook(url: string, context: LoadContext, next: Load): Soon<Loaded> {
  const format = snapshot?.format(url) ?? foreignFormat(url);
  if (format === undefined) return next(url, context);
  // Node is to say what it says of JSON that is imported without being called so.
  const isAsked = format !== 'json' || context.importAttributes?.['type'] === 'json' || isRequired(context);
  if (!isAsked) return next(url, context);
  if (format === 'wasm') return {format, shortCircuit: true, source: bytesOf(url)};
  return {format, shortCircuit: true, source: textOf(url)};
}

const isRequired = ({conditions}: Pick<LoadContext, 'conditions'>): boolean => conditions?.includes('require') === true;

/** Of a file that is nobody's package: what it is loaded as. */
function foreignFormat(url: string): ReturnType<typeof formatOf> {
  if (!url.startsWith('file:') || isOwn(url)) return undefined;
  if (url.includes('/node_modules/') && !isTyped(new URL(url).pathname)) return undefined;
  return formatOf(url, () => bytesOf(url));
}

const bytesOf = (url: string): Buffer =>
  snapshot?.format(url) === undefined ? loadSource(url).bytes : snapshot.read(url);

/** The JavaScript of a module, or the JSON, without the mark that some editors put in front. */
function textOf(url: string): string {
  const text = bytesOf(url)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  return isTyped(new URL(url).pathname) ? strip(fileURLToPath(url), text) : text;
}

/** `./my-stage.js` written in a typed file means `./my-stage.ts` when only that is there, as the compiler has it. */
export function typedSibling(specifier: string, parent: string | undefined): string | undefined {
  if (parent === undefined || !/^\.{1,2}\//.test(specifier) || !/\.m?js$/.test(specifier)) return undefined;
  if (!parent.startsWith('file:') || !isTyped(parent)) return undefined;
  const asWritten = new URL(specifier, parent);
  const typed = new URL(specifier.replace(/js$/, 'ts'), parent);
  return exists(asWritten) || !exists(typed) ? undefined : typed.href;
}

const exists = (url: URL): boolean => existsSync(fileURLToPath(url));

/** The parts of Node's own loader of CommonJS that are asked for every `require`, and that may be replaced. */
interface Require {
  _resolveFilename: (request: string, parent: CommonJs | undefined, ...rest: unknown[]) => string;
  readonly _extensions: Record<'.js' | '.json', (module: CommonJs, filename: string) => void>;
}

interface CommonJs {
  readonly filename: string | null;
  exports: unknown;
  _compile(text: string, filename: string): void;
}

const {Module} = module as unknown as {Module: Require};

/** Files of the snapshot are found by a `require`, also where Node 22 asks no hook for it. */
function resolveRequired(): void {
  const {_resolveFilename: resolveFilename} = Module;
  Module._resolveFilename = (request, parent, ...rest) => {
    const from = parent?.filename;
    const kept =
      from === undefined || from === null ? undefined : snapshot?.resolve(request, pathToFileURL(from).href, 'require');
    return kept === undefined ? resolveFilename(request, parent, ...rest) : fileURLToPath(kept);
  };
}

/** Does for `require` what the hook does for `import`. */
function loadRequired(): void {
  const {_extensions: extensions} = Module;
  for (const ending of ['.js', '.json'] as const) {
    const load = extensions[ending];
    extensions[ending] = (loading, filename) => {
      const url = pathToFileURL(filename).href;
      const format = snapshot?.format(url) ?? foreignFormat(url);
      if (format === 'json') loading.exports = JSON.parse(textOf(url));
      else if (format === 'commonjs' || format === 'module') loading._compile(textOf(url), filename);
      else load(loading, filename);
    };
  }
}
