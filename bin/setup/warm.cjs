/**
 * Compiles the one file that r1 starts from: `node warm.cjs START CORE LATE EXECA WORDS...` opens its parts as START, `start.cjs`,
 * does, uses r1 in the folder where it is started, each of WORDS being what is typed behind r1, and then writes down beside each
 * part what V8 has compiled of it.
 */
const {readFileSync, writeFileSync} = require('node:fs');
const v8 = require('node:v8');
const vm = require('node:vm');

const [, , start = '', ...words] = process.argv;
const files = words.slice(0, 3);

// V8 takes compiled code only under the flags that it was made under, and r1 starts without any.
v8.setFlagsFromString = () => undefined;

const scripts = files.map((filename) => new vm.Script(readFileSync(filename, 'latin1'), {filename}));
const [core, late, execa] = scripts.map((script) => () => script);
const {main} = require(start)({core, late, execa});

async function use() {
  for (const typed of words.slice(3)) {
    await main(typed.split(' '));
    if (process.exitCode) throw new Error(`r1 ${typed} ended with exit code ${process.exitCode}`);
  }
  scripts.forEach((script, i) => {
    writeFileSync(String(files[i]).replace(/cjs$/, 'code'), script.createCachedData());
  });
}
void use();
