/** `r1 tag`, `r1 untag`, `r1 pin`, `r1 unpin`: names for artifacts, and what must not be collected. */
import {Command} from 'commander';
import {shortDigest} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {withStore} from '../access/with-store.js';

const REFERENCE = '[run/]node[:port], @digest, @tag, or a path with a slash';

async function resolveOutput(store: Store, reference: string) {
  const {resolveArtifact} = await import('../../artifacts/queries/reference.js');
  return resolveArtifact(store, reference, {suggest: suggestion});
}

export const tagCommand = (services: Services): Command =>
  withGlobals(new Command('tag'), ['r1 tag best all-scenario-rl:model', 'r1 show @best', 'r1 tag'])
    .description('name an artifact, which also keeps it from being collected; without arguments, list the names')
    .argument('[name]', 'letters, digits, dots, dashes; a tag that exists is moved')
    .argument('[reference]', REFERENCE)
    .action(
      async (
        name: string | undefined,
        reference: string | undefined,
        {json, ...options}: GlobalOptions,
        command: Command,
      ) => {
        const {tag, tags} = await import('../../artifacts/queries/tags.js');
        if (name === undefined) {
          return withStore(services, options, 'read', (store) => {
            const known = tags(store);
            if (json === true) {
              services.say(JSON.stringify(known));
              return;
            }
            services.say(
              known.length === 0
                ? 'there are no tags'
                : known.map(({name: text, artifact}) => `@${text}  @${shortDigest(artifact)}`).join('\n'),
            );
          });
        }
        if (reference === undefined) command.error(`error: what is to be called “${name}”? r1 tag ${name} REFERENCE`);
        await withStore(services, options, 'write', async (store) => {
          const {output, attempt} = await resolveOutput(store, reference);
          tag(store, name, output.artifact, attempt.id);
          services.say(
            json === true
              ? JSON.stringify({name, artifact: output.artifact})
              : `@${name} is ${output.kind} @${shortDigest(output.artifact)} of ${attempt.node}`,
          );
        });
      },
    );

export const untagCommand = (services: Services): Command =>
  withGlobals(new Command('untag'), ['r1 untag best'])
    .description('remove a tag')
    .argument('<name>')
    .action(async (name: string, {json, ...options}: GlobalOptions) => {
      const {untag} = await import('../../artifacts/queries/tags.js');
      await withStore(services, options, 'write', (store) => {
        const bare = name.replace(/^@/, '');
        untag(store, bare);
        services.say(json === true ? JSON.stringify({name: bare}) : `removed the tag @${bare}`);
      });
    });

export const pinCommand = (services: Services): Command =>
  withGlobals(new Command('pin'), ['r1 pin base:model', 'r1 pin'])
    .description('keep an artifact from being collected; without an argument, list what is pinned')
    .argument('[reference]', REFERENCE)
    .action(async (reference: string | undefined, {json, ...options}: GlobalOptions) => {
      const {pin, pins} = await import('../../artifacts/queries/tags.js');
      if (reference === undefined) {
        return withStore(services, options, 'read', (store) => {
          const known = pins(store);
          if (json === true) {
            services.say(JSON.stringify(known));
            return;
          }
          services.say(
            known.length === 0
              ? 'nothing is pinned'
              : known.map(({artifact}) => `@${shortDigest(artifact)}`).join('\n'),
          );
        });
      }
      await withStore(services, options, 'write', async (store) => {
        const {output} = await resolveOutput(store, reference);
        pin(store, output.artifact);
        services.say(
          json === true ? JSON.stringify({artifact: output.artifact}) : `@${shortDigest(output.artifact)} is pinned`,
        );
      });
    });

export const unpinCommand = (services: Services): Command =>
  withGlobals(new Command('unpin'), ['r1 unpin base:model'])
    .description('let an artifact be collected again, unless something else keeps it')
    .argument('<reference>', REFERENCE)
    .action(async (reference: string, {json, ...options}: GlobalOptions) => {
      const {unpin} = await import('../../artifacts/queries/tags.js');
      await withStore(services, options, 'write', async (store) => {
        const {output} = await resolveOutput(store, reference);
        unpin(store, output.artifact);
        services.say(
          json === true
            ? JSON.stringify({artifact: output.artifact})
            : `@${shortDigest(output.artifact)} is no longer pinned`,
        );
      });
    });
