/**
 * Compiles the one file that r1 starts from: `node warm.cjs START CORE LATE WORDS...` opens its two parts as START, `start.cjs`,
 * does, uses r1 in the folder where it is started, each of WORDS being what is typed behind r1, and then writes down beside each
 * part what V8 has compiled of it.
 */
const {readFileSync, writeFileSync} = require('node:fs');
const v8 = require('node:v8');
const vm = require('node:vm');

const [, , start = '', coreFile = '', lateFile = '', ...uses] = process.argv;

// V8 takes compiled code only under the flags that it was made under, and r1 starts without any.
v8.setFlagsFromString = () => undefined;

const scriptOf = (/** @type {string} */ filename) => new vm.Script(readFileSync(filename, 'latin1'), {filename});
const [core, late] = [scriptOf(coreFile), scriptOf(lateFile)];
const {main} = require(start)({core: () => core, late: () => late});

async function use() {
  for (const words of uses) {
    await main(words.split(' '));
    if (process.exitCode) throw new Error(`r1 ${words} ended with exit code ${process.exitCode}`);
  }
  writeFileSync(coreFile.replace(/cjs$/, 'code'), core.createCachedData());
  writeFileSync(lateFile.replace(/cjs$/, 'code'), late.createCachedData());
}
void use();
