/**
 * Compiles the one file that r1 starts from: `node warm.cjs START CORE STAGES JOBS LATE WORDS...` opens its parts as START,
 * `start.cjs`, does, uses r1 in the folder where it is started, each of WORDS being what is typed behind r1, two runs first, and
 * writes down beside each part what V8 has compiled of it: of CORE after these, of the others at the end.
 */
const {readFileSync, writeFileSync} = require('node:fs');
const v8 = require('node:v8');
const vm = require('node:vm');

const [, , start = '', ...words] = process.argv;
const files = words.slice(0, 4);

/** The first of WORDS that are runs. */
const RUNS = 2;

// V8 takes compiled code only under the flags that it was made under, and r1 starts without any.
v8.setFlagsFromString = () => undefined;

const scripts = files.map((filename) => new vm.Script(readFileSync(filename, 'latin1'), {filename}));
const [core, stages, jobs, late] = scripts.map((script) => () => script);
const {main} = require(start)({core, stages, jobs, late});

/** V8 keeps of a part only the functions that were called. @param {number} part */
const keep = (part) => {
  writeFileSync(String(files[part]).replace(/cjs$/, 'code'), scripts[part]?.createCachedData() ?? '');
};

async function use() {
  for (const [i, typed] of words.slice(4).entries()) {
    await main(typed.split(' '));
    if (process.exitCode) throw new Error(`r1 ${typed} ended with exit code ${process.exitCode}`);
    // What every start reads is the smaller, and the sooner read, for having only what a run needs.
    if (i === RUNS - 1) keep(0);
  }
  for (const part of [1, 2, 3]) keep(part);
}
void use();
