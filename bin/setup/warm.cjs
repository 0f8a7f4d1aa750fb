/**
 * Compiles the one file that r1 starts from: `node warm.cjs DIST SCRIPT COMPILED` uses r1 a few times in the folder where it is
 * started and then writes down what V8 has compiled.
 */
const {readFileSync, writeFileSync} = require('node:fs');
const {createRequire} = require('node:module');
const path = require('node:path');
const {pathToFileURL} = require('node:url');
const v8 = require('node:v8');
const vm = require('node:vm');

const [dist, file, compiled] = /** @type {[string, string, string]} */ (/** @type {unknown} */ (process.argv.slice(2)));
const below = pathToFileURL(dist + path.sep).href;

// V8 takes compiled code only under the flags that it was made under, and r1 starts without any.
v8.setFlagsFromString = () => undefined;

const script = new vm.Script(readFileSync(file, 'latin1'), {filename: file});
const {main} = script.runInThisContext()(
  createRequire(path.join(dist, 'bin', 'start.cjs')),
  (/** @type {string} */ specifier) => import(specifier),
  (/** @type {string} */ name) => below + name,
);

async function use() {
  for (const words of ['run ./start.recipe.js', 'run ./start.recipe.js', 'status', 'runs', 'plan tiny']) {
    await main(words.split(' '));
    if (process.exitCode) throw new Error(`r1 ${words} ended with exit code ${process.exitCode}`);
  }
  writeFileSync(compiled, script.createCachedData());
}
void use();
