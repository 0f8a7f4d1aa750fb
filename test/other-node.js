/**
 * Tests of what Node's versions do differently, under other versions than the one that is here: `npm run test:node -- 22 24`.
 * Each comes from npm as its package `node`, into a folder of its own. Only tests that need no native part can be run so: those
 * were built for the version that is here.
 */
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const FILES = [
  'artifacts/formats/jsonl',
  'stages/data/rows',
  'stages/data/prompt-file',
  'stages/data/odd-files',
  // Each version has its own Unicode tables, which patterns of tokenizers and methods of templates go by.
  'stages/text/tokenizer-parts',
  'stages/text/real-tokenizers',
  'stages/text/chat-templates',
  'pipeline/job/event-tail',
  'pipeline/job/event-lines',
  'pipeline/wiring/check-params',
  'pipeline/wiring/wire',
];

/** @param {string} program @param {readonly string[]} words @returns {boolean} whether it ended well */
function ran(program, words) {
  return spawnSync(program, words, {cwd: root, stdio: ['ignore', 'inherit', 'inherit']}).status === 0;
}

/** @param {string} version @returns {string | undefined} what went wrong */
function tryUnder(version) {
  const folder = mkdtempSync(path.join(tmpdir(), 'r1-node-'));
  try {
    const options = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
    if (!ran('npm', ['install', ...options, `node@${version}`])) return `Node ${version} cannot be had from npm`;
    const node = path.join(folder, 'node_modules', 'node', 'bin', 'node');
    if (!ran(node, ['--version'])) return `Node ${version} does not start here`;
    const files = FILES.map((name) => path.join(root, 'dist', 'test', `${name}.test.js`));
    return ran(node, ['--enable-source-maps', '--test', ...files]) ? undefined : `tests fail under Node ${version}`;
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

const versions = process.argv.slice(2);
const failed = (versions.length === 0 ? ['22', '24'] : versions).flatMap((version) => tryUnder(version) ?? []);
process.stdout.write(failed.length === 0 ? '\nAll of them passed.\n' : `\n${failed.join('\n')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
