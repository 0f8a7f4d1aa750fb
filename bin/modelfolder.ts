/** Lays a model out as a folder for as long as it is talked to: an artifact of the store, or a folder from anywhere. */
import {existsSync, mkdtempSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {suggestion} from '../pipeline/nearest.js';
import type {GlobalOptions, Services} from './services.js';
import {withStore} from './commands/with-store.js';

/** A reference with a slash that leads to a `config.json` is a folder; anything else is asked of the store. */
export async function withModelFolder<T>(
  services: Services,
  options: GlobalOptions,
  reference: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  if (/[/\\]/.test(reference) && existsSync(join(reference, 'config.json'))) return work(reference);
  const {resolveArtifact} = await import('../artifacts/reference.js');
  return withStore(services, options, 'write', async (store) => {
    const {output} = await resolveArtifact(store, reference, {kind: 'model', suggest: suggestion});
    const scratch = mkdtempSync(join(tmpdir(), 'r1-model-'));
    const folder = join(scratch, 'model');
    try {
      await store.materialise(output.artifact, folder);
      return await work(folder);
    } finally {
      await store.removeTree(folder);
      await rm(scratch, {recursive: true, force: true});
    }
  });
}
