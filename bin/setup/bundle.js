/**
 * execa as one file. Node takes about a millisecond for each of the hundred modules that it consists of, which was a fifth of
 * a short run. Only a clone has what it is made with; an installed copy loads the package as it is.
 */
import {existsSync, mkdirSync, renameSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {enter, inPlace} from './ledger.js';
import {notes, packageFolder, packageVersion, root} from './places.js';

const step = 'bundle';
const file = path.join(notes, 'execa.mjs');

export async function bundleExeca() {
  if (!existsSync(path.join(root, 'tsconfig.json'))) return;
  const [execa, esbuild] = [packageFolder('execa'), packageFolder('esbuild')];
  const of = {execa: packageVersion(execa), esbuild: packageVersion(esbuild)};
  if (inPlace(step, of)) return;
  mkdirSync(notes, {recursive: true});
  const {build} = await import(pathToFileURL(path.join(esbuild, 'lib', 'main.js')).href);
  await build({
    entryPoints: [path.join(execa, 'index.js')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: `${file}.tmp`,
    // Some of its dependencies are CommonJS and ask for Node's modules.
    banner: {js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url);"},
    logLevel: 'silent',
  });
  // Whole or not at all: who starts a process loads the file if it is there.
  renameSync(`${file}.tmp`, file);
  enter(step, of, [file]);
}
