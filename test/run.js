/**
 * The test driver behind `npm test`: lint, types, tests, and node:test's closing lines at the very end.
 *
 * `npm test -- pipeline/plan bin` runs only the test files whose path has one of these words in it, and leaves out lint
 * and format to be quick. The sources are compiled by set-up before, so that a type error has already ended the command.
 */
import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A file that takes longer than this hangs. */
const fileTimeoutMs = 30 * 60_000;

/** @param {string} script below node_modules @param {readonly string[]} args */
const tool = (script, args) => node([path.join(root, 'node_modules', script), ...args]);

/** @param {readonly string[]} args @returns {Promise<boolean>} whether it ended well */
function node(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {cwd: root, stdio: ['ignore', 'inherit', 'inherit']});
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0));
  });
}

/** @param {string} text */
const heading = (text) => process.stderr.write(`\n${text}\n`);

/** Test files as the sources have them; what lies in dist/ without a source is not run. @returns {string[]} */
function testFiles() {
  return readdirSync(path.join(root, 'test'), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.test.ts') && !/^(bench|fixtures)[/\\]/.test(name))
    .sort();
}

/** @returns {Promise<string[]>} what is wrong, a phrase each */
async function checkSources() {
  heading('Lint and types of the scripts');
  const checks = /** @type {const} */ ([
    ['eslint', 'eslint/bin/eslint.js', ['.', '--max-warnings=0']],
    ['prettier', 'prettier/bin/prettier.cjs', ['--check', '--log-level=warn', '.']],
    ['types of the scripts', 'typescript/bin/tsc', ['-p', 'jsconfig.json']],
  ]);
  const results = await Promise.all(checks.map(async ([name, script, args]) => ({name, ok: await tool(script, args)})));
  return results.filter(({ok}) => !ok).map(({name}) => name);
}

/**
 * @param {readonly string[]} files relative to test/
 * @returns {Promise<{ok: boolean, closing: string}>} `closing` are node:test's counts
 */
async function runTests(files) {
  heading(`Tests (${String(files.length)} files)`);
  const folder = mkdtempSync(path.join(tmpdir(), 'r1-test-'));
  const tap = path.join(folder, 'results.tap');
  try {
    const ok = await node([
      '--enable-source-maps',
      '--test',
      // Many tests wait for processes or deadlines, so three files at a time keep two cores busy.
      '--test-concurrency=3',
      `--test-timeout=${String(fileTimeoutMs)}`,
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...['--test-reporter=tap', `--test-reporter-destination=${tap}`],
      ...files.map((file) => path.join(root, 'dist', 'test', file.replace(/\.ts$/, '.js'))),
    ]);
    const lines = existsSync(tap) ? readFileSync(tap, 'utf8').split('\n') : [];
    const closing = lines.filter((line) =>
      /^# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(line),
    );
    return {ok, closing: closing.join('\n')};
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

async function main() {
  const words = process.argv.slice(2);
  const all = testFiles();
  const unknown = words.filter((word) => !all.some((file) => file.includes(word)));
  if (unknown.length > 0) {
    process.stderr.write(`No test file has “${unknown.join('”, “')}” in its path. There are:\n  ${all.join('\n  ')}\n`);
    return 2;
  }
  const problems = words.length === 0 ? await checkSources() : [];
  const files = words.length === 0 ? all : all.filter((file) => words.some((word) => file.includes(word)));
  const {ok, closing} = await runTests(files);
  if (!ok) problems.push('tests');
  process.stdout.write(problems.length === 0 ? '\nAll checks passed.\n' : `\nFailed: ${problems.join(', ')}\n`);
  process.stdout.write(`${closing}\n`);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = await main();
