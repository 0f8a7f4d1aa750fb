/** `r1 export-lineage`: the lineage of a run in the form that other tools read. */
import {Command, Option} from 'commander';
import {findRun} from '../../artifacts/queries/find-run.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {withStore} from '../access/with-store.js';

interface ExportLineageOptions extends GlobalOptions {
  readonly format: 'prov' | 'openlineage' | 'dot' | 'json';
}

export const exportLineageCommand = (services: Services): Command =>
  withGlobals(new Command('export-lineage'), [
    'r1 export-lineage --format prov > run.prov.json',
    'r1 export-lineage 3 --format openlineage > events.jsonl',
    'r1 export-lineage --format dot | dot -Tsvg > run.svg',
  ])
    .description(
      'the lineage of a run, and of everything it reused, as W3C PROV-JSON, OpenLineage events (one a line), a graph for Graphviz, or JSON',
    )
    .argument('[run]', 'number of the run (default: the newest)', wholeNumber)
    .addOption(
      new Option('--format <format>', 'what to write').choices(['prov', 'openlineage', 'dot', 'json']).default('json'),
    )
    .action(async (wanted: number | undefined, {format, ...options}: ExportLineageOptions) => {
      const {scopeOf} = await import('../../artifacts/export/scope.js');
      await withStore(services, options, 'read', async (store) => {
        const run = findRun(store, wanted);
        const scope = scopeOf(store, run);
        switch (format) {
          case 'prov': {
            const {toProv} = await import('../../artifacts/export/prov.js');
            services.say(JSON.stringify(toProv(scope), undefined, 2));
            break;
          }
          case 'openlineage': {
            const {toOpenLineage} = await import('../../artifacts/export/openlineage.js');
            services.say(
              toOpenLineage(scope)
                .map((event) => JSON.stringify(event))
                .join('\n'),
            );
            break;
          }
          case 'dot': {
            const {runDot} = await import('../render/lineage.js');
            services.say(runDot(scope.attempts));
            break;
          }
          case 'json': {
            const {storeId, attempts, artifacts} = scope;
            services.say(JSON.stringify({store: storeId, run, attempts, artifacts: [...artifacts.values()]}));
            break;
          }
          default:
            throw new Error(`Internal error: unknown format ${String(format satisfies never)}`);
        }
      });
    });
