/** `r1 show`: everything the store knows about one artifact. */
import {Command} from 'commander';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {withStore} from '../access/with-store.js';

export const showCommand = (services: Services): Command =>
  withGlobals(new Command('show'), ['r1 show zero-rl:model', 'r1 show @3fa4b1c2', 'r1 show 3/base --json'])
    .description('what an artifact is: files with their SHA-256, what made it from what and why, what used it')
    .argument('<reference>', '[run/]node[:port], @digest, @tag, or a path with a slash')
    .action(async (reference: string, options: GlobalOptions) => {
      const {resolveArtifact} = await import('../../artifacts/queries/reference.js');
      const {artifactDetails} = await import('../../artifacts/queries/artifact-details.js');
      const {artifactText} = await import('../render/artifact-details.js');
      await withStore(services, options, 'read', async (store) => {
        const details = artifactDetails(store, await resolveArtifact(store, reference, {suggest: suggestion}));
        services.say(
          options.json === true ? JSON.stringify(details) : artifactText(details, {colours: services.colours, store}),
        );
      });
    });
