/** Trees of files whose first one is a stage's module, and the code of that stage. */
import {join} from 'node:path';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {openCodeReader} from '../../pipeline/fingerprint/code-digest.js';
import type {Code} from '../../pipeline/fingerprint/code-digest.js';
import {openTokenCache} from '../../pipeline/fingerprint/token-cache.js';
import {temporaryFolder} from './temporary.js';

/** Path → content. */
export type Files = Readonly<Record<string, string>>;

export const FILES = {
  'stage.js': `import {help} from './lib/help.js';\nimport {z} from 'zod';\nexport const stage = async () => { const {deep} = await import('./lib/deep.js'); return help(deep, z); };`,
  'lib/help.js': `export const help = (x) => x;\nexport const worker = () => new URL('./worker.js', import.meta.url);`,
  'lib/deep.js': `export const deep = 1;`,
  'lib/worker.js': `postMessage(1);`,
  'unrelated.js': `export const other = 1;`,
  'node_modules/zod/package.json': `{"name": "zod", "version": "4.0.0"}`,
};

/** The code of the stage in the first of some files, of which nothing is cached. */
export function codeOf(t: TestContext, files: Files): Code {
  return codeAt(t, temporaryFolder(t, files), Object.keys(files)[0]!);
}

/** The code of the stage in a file. */
export const codeAt = (t: TestContext, folder: string, file: string): Code =>
  openCodeReader(openTokenCache(temporaryFolder(t))).codeOf(pathToFileURL(join(folder, file)).href);

export const codeIn = (t: TestContext, changes: Files = {}): Code => codeOf(t, {...FILES, ...changes});
