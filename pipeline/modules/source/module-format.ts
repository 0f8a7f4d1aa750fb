/** What a file is to Node when it is loaded as a module. */
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';
import {packageJsonIn} from './package-json.js';
import {isTyped} from './typescript.js';

export type ModuleFormat = 'module' | 'commonjs' | 'json' | 'wasm';

/** As it was when it was first asked for: a `package.json` may be edited as well. */
const known = new Map<string, ModuleFormat>();

/**
 * `undefined` for what no loader makes a module of, like a text or an addon.
 *
 * @param bytes asked for where nothing else tells
 */
export function formatOf(url: string, bytes: () => Buffer): ModuleFormat | undefined {
  const {pathname} = new URL(url);
  if (/\.mjs$/.test(pathname) || isTyped(pathname)) return 'module';
  if (pathname.endsWith('.cjs')) return 'commonjs';
  if (pathname.endsWith('.json')) return 'json';
  if (pathname.endsWith('.wasm')) return 'wasm';
  if (!pathname.endsWith('.js')) return undefined;
  let format = known.get(url);
  if (format === undefined) known.set(url, (format = declaredFormat(url) ?? guessedFormat(bytes())));
  return format;
}

/** What the nearest package.json says of `.js` files. */
function declaredFormat(url: string): ModuleFormat | undefined {
  for (let folder = dirname(fileURLToPath(url)); ; folder = dirname(folder)) {
    const manifest = packageJsonIn(folder);
    if (manifest !== undefined) {
      const {type} = manifest;
      if (type === 'module' || type === 'commonjs') return type;
      return url.includes('/node_modules/') ? 'commonjs' : undefined;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * Of a file whose type nobody says. Node would guess, and take a module without imports for a script; here recipes and what
 * they import are modules, unless they speak CommonJS.
 */
const guessedFormat = (bytes: Buffer): ModuleFormat =>
  /\b(module\.exports|exports\.\w|require\()/.test(bytes.toString('utf8')) ? 'commonjs' : 'module';
