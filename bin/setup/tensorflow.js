/**
 * TensorFlow's two libraries and its C headers, put where @tensorflow/tfjs-node-gpu looks for them: deps/lib and
 * deps/include of that package.
 *
 * Where they come from, in this order: the folder R1_LIBTENSORFLOW, what is in place, the cache, the Python wheel
 * (tensorflow-cpu, or tensorflow for a GPU), the package's own installer (TensorFlow 2.9, an older one).
 *
 * For a GPU the wheels of NVIDIA's libraries that the TensorFlow wheel asks for go to deps/nvidia: the run path inside
 * TensorFlow's libraries names ../nvidia/<part>/lib, so nothing has to be set when a program starts.
 */
import {existsSync, readFileSync, statSync} from 'node:fs';
import {mkdir, readdir, rm, symlink} from 'node:fs/promises';
import path from 'node:path';
import {ensureEntry, filesBelow, place} from './cache.js';
import {platformName} from './compile.js';
import {SetupError} from './failure.js';
import {enter, entryOf, inPlace, intact, strike} from './ledger.js';
import {packageFolder, packageVersion, shown} from './places.js';
import {say, saying} from './say.js';
import {lastLines, run} from './shell.js';
import {fetchWheel} from './wheel.js';

const step = 'tensorflow';
export const tensorflowVersion = '2.19.1';

/** What the binding's sources include, found with g++ -M, a little wider for other TensorFlow versions. */
const headers =
  /^tensorflow\/include\/((?:tensorflow\/c|tsl\/c|xla\/tsl\/c)\/.*\.h|(?:tensorflow\/core|tsl)\/platform\/ctstring.*\.h)$/;
const libraries = /^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/;
const metadata = /^[^/]+\.dist-info\/METADATA$/;

/** @typedef {'cpu' | 'gpu'} Device */

export const tfjsFolder = () => packageFolder('@tensorflow/tfjs-node-gpu');

/** @param {Device} device */
const wheelName = (device) => (device === 'gpu' ? 'tensorflow' : 'tensorflow-cpu');

/** @param {Device} device */
const ofWheel = (device) => ({
  source: 'wheel',
  name: wheelName(device),
  version: tensorflowVersion,
  package: packageVersion(tfjsFolder()),
});

/** @param {string} folder */
const ofFolder = (folder) => ({source: 'folder', folder, package: packageVersion(tfjsFolder())});

/** The folder that R1_LIBTENSORFLOW names, as an absolute path. */
function givenFolder() {
  const given = process.env['R1_LIBTENSORFLOW'];
  return given ? path.resolve(given) : undefined;
}

/**
 * Whether the libraries that this start wants are in place. Without R1_LIBTENSORFLOW, what an earlier set-up took from
 * such a folder or from the package's installer stays, so that the variable need not be set at every start.
 * @param {Device} device
 */
export function librariesInPlace(device) {
  const given = givenFolder();
  if (given !== undefined) return inPlace(step, ofFolder(given));
  const entry = entryOf(step);
  const kept = entry?.of['source'] === 'folder' || entry?.of['source'] === 'installer';
  if (kept && entry.of['package'] === packageVersion(tfjsFolder())) return intact(entry);
  return inPlace(step, ofWheel(device));
}

/** @param {Device} device */
export async function setUpLibraries(device) {
  const given = givenFolder();
  if (given !== undefined) return await useFolder(given);
  try {
    return await useWheel(device);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return await useInstaller(device, error);
  }
}

/** The file names that the binding links against (-ltensorflow), beside the names the libraries call themselves. */
async function addLinkNames() {
  const lib = path.join(tfjsFolder(), 'deps', 'lib');
  const main = (await readdir(lib)).find((name) => /^libtensorflow(_cc)?\.so\.2$/.test(name));
  if (main === undefined) throw new Error(`Internal error: no TensorFlow library in ${lib}`);
  await symlink(main, path.join(lib, 'libtensorflow.so'));
  await symlink('libtensorflow_framework.so.2', path.join(lib, 'libtensorflow_framework.so'));
}

/** @returns {Promise<string[]>} every library in place, absolute */
async function placedLibraries() {
  const deps = path.join(tfjsFolder(), 'deps');
  const names = (await filesBelow(deps)).filter((name) => /\.so(\.|$)/.test(name));
  return names.map((name) => path.join(deps, name));
}

/** @param {Device} device */
async function useWheel(device) {
  const name = wheelName(device);
  const entry = await ensureEntry(step, `${name}-${tensorflowVersion}-${platformName()}`, (folder) =>
    fetchWheel({
      step,
      name,
      version: tensorflowVersion,
      folder,
      choose: (member) => {
        const library = libraries.exec(member)?.[1];
        if (library !== undefined) return `lib/${library}`;
        const header = headers.exec(member)?.[1];
        if (header !== undefined) return `include/${header}`;
        return metadata.test(member) ? 'METADATA' : undefined;
      },
    }).then(() => {
      if (existsSync(path.join(folder, 'lib', 'libtensorflow_cc.so.2'))) return;
      throw new SetupError(`The wheel ${name} ${tensorflowVersion} for this platform has no libtensorflow_cc.so.2.`);
    }),
  );
  strike(step);
  await place(entry, path.join(tfjsFolder(), 'deps'));
  if (device === 'gpu') await placeNvidia(path.join(entry, 'METADATA'));
  await addLinkNames();
  enter(step, ofWheel(device), await placedLibraries());
  say(step, `${name} ${tensorflowVersion} → ${shown(path.join(tfjsFolder(), 'deps'))}`);
}

/** NVIDIA's parts that a TensorFlow wheel's METADATA names for its extra `and-cuda`. @param {string} text */
export function nvidiaParts(text) {
  const parts = [...text.matchAll(/^Requires-Dist: (nvidia-[\w-]+) ?\(?==([\w.]+)\)?.*and-cuda/gm)];
  return parts
    .map((match) => ({name: String(match[1]), version: String(match[2])}))
    .filter(({name}) => !name.startsWith('nvidia-cuda-nvcc')); // a compiler, which only XLA asks for
}

/** @param {string} metadataFile */
async function placeNvidia(metadataFile) {
  const parts = nvidiaParts(readFileSync(metadataFile, 'utf8'));
  say(step, `the GPU needs ${String(parts.length)} of NVIDIA's libraries, 1.8 GB to fetch in all and 4 GB on the disk`);
  for (const {name, version} of parts) {
    const entry = await ensureEntry(step, `${name}-${version}-${platformName()}`, (folder) =>
      fetchWheel({
        step,
        name,
        version,
        folder,
        choose: (member) => /^nvidia\/(.+\/lib\/.+\.so[.\d]*)$/.exec(member)?.[1],
      }),
    );
    for (const part of await readdir(entry, {withFileTypes: true})) {
      if (!part.isDirectory()) continue;
      await place(path.join(entry, part.name), path.join(tfjsFolder(), 'deps', 'nvidia', part.name));
    }
  }
}

/**
 * Finds the two libraries and the headers in a folder: flat, with lib/ and include/, or an installed Python package.
 * @param {string} folder
 */
function lookInto(folder) {
  const libs = [folder, path.join(folder, 'lib')];
  /** @param {readonly string[]} names */
  const find = (names) =>
    libs.flatMap((lib) => names.map((name) => path.join(lib, name))).find((file) => existsSync(file));
  const main = find(['libtensorflow_cc.so.2', 'libtensorflow.so.2']);
  const framework = find(['libtensorflow_framework.so.2']);
  const include = [path.join(folder, 'include'), folder].find((at) =>
    existsSync(path.join(at, 'tensorflow/c/c_api.h')),
  );
  const missing = [
    main === undefined && 'libtensorflow_cc.so.2 (or libtensorflow.so.2)',
    framework === undefined && 'libtensorflow_framework.so.2',
    include === undefined && 'include/tensorflow/c/c_api.h',
  ].filter((name) => name !== false);
  if (main !== undefined && framework !== undefined && include !== undefined) return {main, framework, include};
  throw new SetupError(`R1_LIBTENSORFLOW=${folder} has no ${missing.join(', no ')}.`, [
    'It should hold the two libraries, itself or in lib/, and the headers in include/.',
    'The folder “tensorflow” of an installed Python package is such a folder.',
  ]);
}

/** Links to the reader's own folder: the files are theirs, and a change there is noticed at the next start. @param {string} folder */
async function useFolder(folder) {
  const {main, framework, include} = lookInto(folder);
  const deps = path.join(tfjsFolder(), 'deps');
  strike(step);
  await rm(deps, {recursive: true, force: true});
  await mkdir(path.join(deps, 'lib'), {recursive: true});
  for (const file of [main, framework]) await symlink(file, path.join(deps, 'lib', path.basename(file)));
  await symlink(include, path.join(deps, 'include'));
  await addLinkNames();
  enter(step, ofFolder(folder), [main, framework]);
  say(step, `the libraries of ${folder} (${String(Math.round(statSync(main).size / 1e6))} MB) are linked`);
}

/** @param {Device} device @param {SetupError} why */
async function useInstaller(device, why) {
  const folder = tfjsFolder();
  strike(step);
  say(step, why.message);
  say(step, `trying the package's own installer, which fetches an older TensorFlow (about 400 MB) → ${shown(folder)}`);
  const bin = path.join(packageFolder('@mapbox/node-pre-gyp'), '../../.bin');
  const result = await saying(
    step,
    (seconds) => `the package's own installer, ${String(seconds)} s`,
    () =>
      run(process.execPath, ['scripts/install.js', device, 'download'], {
        cwd: folder,
        env: {PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}`},
      }),
  );
  const files = existsSync(path.join(folder, 'deps', 'lib')) ? await placedLibraries() : [];
  if (result.ok && files.length > 0) return enter(step, {source: 'installer', package: packageVersion(folder)}, files);
  throw new SetupError("TensorFlow's libraries could not be obtained.", [
    `Through pip: ${why.message}`,
    ...why.ways.map((line) => `  ${line}`),
    `Through the package's own installer: ${result.problem || 'it left no library behind'}`,
    ...lastLines(result.output, 6).map((line) => `  ${line}`),
    'Two ways to fix it, then npm run setup:',
    '  install pip for Python 3, so that python3 -m pip --version runs and can fetch packages; or',
    '  set R1_LIBTENSORFLOW=/folder to a folder with libtensorflow_cc.so.2, libtensorflow_framework.so.2 and include/',
  ]);
}
