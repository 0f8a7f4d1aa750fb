/** `r1 lineage`: where something came from, or what was made of it. */
import {Command, Option} from 'commander';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {withStore} from '../access/with-store.js';

interface LineageOptions extends GlobalOptions {
  readonly down?: boolean;
  readonly depth?: number;
  readonly limit?: number;
  readonly dot?: boolean;
}

/** More lines than anybody reads; `--json` and `--dot` give all. */
const LINES = 1000;

export const lineageCommand = (services: Services): Command =>
  withGlobals(new Command('lineage'), [
    'r1 lineage all-scenario-rl:model',
    'r1 lineage ./model.safetensors --depth 2',
    'r1 lineage base --down --dot | dot -Tsvg > base.svg',
  ])
    .description('where an artifact came from, back to the files from outside, or what was made from it')
    .argument('<reference>', '[run/]node[:port], @digest, @tag, or a path with a slash')
    .addOption(new Option('--up', 'what it was made from (the default)').conflicts('down'))
    .option('--down', 'what was made from it')
    .option('--depth <n>', 'show at most this many steps', wholeNumber)
    .option(
      '--limit <n>',
      `show at most this many attempts (default: ${LINES} in a tree, all in --json and --dot)`,
      wholeNumber,
    )
    .addOption(new Option('--dot', 'print a graph for Graphviz').conflicts('json'))
    .action(async (reference: string, {down, depth, limit, dot, json, ...options}: LineageOptions) => {
      const {resolve} = await import('../../artifacts/queries/reference.js');
      const {lineageOf} = await import('../../artifacts/queries/ancestry.js');
      const {lineageDot, lineageJson, lineageText} = await import('../render/lineage.js');
      await withStore(services, options, 'read', async (store) => {
        const {attempt, output} = await resolve(store, reference, {suggest: suggestion});
        const most = limit ?? (json === true || dot === true ? undefined : LINES);
        const graph = lineageOf(store, attempt.id, {
          direction: down === true ? 'down' : 'up',
          ...(depth === undefined ? {} : {depth}),
          ...(most === undefined ? {} : {limit: most}),
        });
        if (json === true) services.say(JSON.stringify(lineageJson(graph)));
        else if (dot === true) services.say(lineageDot(graph));
        else services.say(lineageText(graph, {colours: services.colours, ...(output === undefined ? {} : {output})}));
      });
    });
