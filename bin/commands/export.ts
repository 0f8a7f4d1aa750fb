/** `r1 export`: a model, or any other artifact, as plain files of its own. */
import {Command} from 'commander';
import {resolve as absolute} from 'node:path';
import {shortDigest} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/nearest.js';
import {bytesText} from '../render/quantity.js';
import type {GlobalOptions, Services} from '../services.js';
import {withGlobals} from '../globals.js';
import {withStore} from './with-store.js';

export const exportCommand = (services: Services): Command =>
  withGlobals(new Command('export'), [
    'r1 export all-scenario-rl ./r1-model',
    'r1 export 3/full-sft:model ./full-sft',
    'r1 export @best ./best',
  ])
    .description(
      'copy a model (or any artifact) out of the store into a folder; models load in transformers and vLLM as they lie',
    )
    .argument('<reference>', '[run/]node[:port], @digest, @tag, or a path with a slash; a node stands for its model')
    .argument('<folder>', 'empty, or not there yet')
    .action(async (reference: string, folder: string, {json, ...options}: GlobalOptions) => {
      const {exportArtifact} = await import('../../artifacts/export/files.js');
      await withStore(services, options, 'read', async (store) => {
        const output = await meant(store, reference);
        const artifact = await exportArtifact(store, output.artifact, absolute(folder));
        services.say(
          json === true
            ? JSON.stringify({
                artifact: artifact.digest,
                kind: output.kind,
                folder: absolute(folder),
                bytes: artifact.bytes,
                files: artifact.files,
              })
            : `${output.kind} @${shortDigest(artifact.digest)}: ${artifact.files.length} files, ${bytesText(artifact.bytes)}, in ${folder}`,
        );
      });
    });

/** The only output of a node, or its only model. */
async function meant(store: Store, reference: string) {
  const {resolve, resolveArtifact} = await import('../../artifacts/reference.js');
  const {attempt, output} = await resolve(store, reference, {suggest: suggestion});
  const models = attempt.outputs.filter(({kind}) => kind === 'model');
  if (output !== undefined) return output;
  if (models.length === 1) return models[0]!;
  return (await resolveArtifact(store, reference, {suggest: suggestion})).output;
}
