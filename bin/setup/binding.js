/** The native part of @tensorflow/tfjs-node-gpu, built here against the libraries that tensorflow.js put in place. */
import {existsSync} from 'node:fs';
import {copyFile, readdir, rm} from 'node:fs/promises';
import {createRequire} from 'node:module';
import path from 'node:path';
import {ensureEntry, place} from './cache.js';
import {build, platformName} from './compile.js';
import {enter, entryOf, inPlace, strike} from './ledger.js';
import {packageVersion} from './places.js';
import {say, saying} from './say.js';
import {tensorflowVersion, tfjsFolder} from './tensorflow.js';

const step = 'binding';
const addon = 'tfjs_binding.node';
/** The package asks for Node-API 8 at most, which every Node that we run on has; so one build serves them all. */
const target = () => path.join(tfjsFolder(), 'lib', 'napi-v8');

function identity() {
  const libraries = entryOf('tensorflow')?.of ?? {};
  // Wheels for processor and GPU have one C interface, so that a change of device needs no other binding.
  const against = libraries['source'] === 'wheel' ? `tensorflow-${tensorflowVersion}` : JSON.stringify(libraries);
  return {package: packageVersion(tfjsFolder()), against, platform: platformName()};
}

export function bindingInPlace() {
  return inPlace(step, identity());
}

async function compile() {
  const folder = tfjsFolder();
  const tool = createRequire(path.join(folder, 'package.json')).resolve('@mapbox/node-pre-gyp/bin/node-pre-gyp');
  say(step, "building the package's native part from source, which takes about 20 s");
  try {
    await saying(
      step,
      (seconds) => `building, ${String(seconds)} s`,
      () => build('@tensorflow/tfjs-node-gpu', folder, () => [tool, 'install', '--build-from-source']),
    );
  } finally {
    for (const name of ['build', 'build-tmp-napi-v8'])
      await rm(path.join(folder, name), {recursive: true, force: true});
  }
}

export async function setUpBinding() {
  strike(step);
  const of = identity();
  const source = entryOf('tensorflow')?.of['source'];
  const file = path.join(target(), addon);
  if (source === 'wheel') {
    const name = `tfjs-binding-${of.package}-${of.against}-${of.platform}`;
    const entry = await ensureEntry(step, name, async (draft) => {
      await compile();
      for (const made of await readdir(target())) await copyFile(path.join(target(), made), path.join(draft, made));
    });
    await place(entry, target());
  } else if (source === 'folder' || !existsSync(file)) {
    await compile();
  }
  enter(step, of, [file]);
}
