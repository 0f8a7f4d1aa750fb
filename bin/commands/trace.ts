/** `r1 trace`: where one row of a dataset came from, row by row. */
import {Command} from 'commander';
import {UserError, shortDigest} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import type {TracedRow} from '../../artifacts/queries/row-lineage.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {createColors} from '../terminal/paint.js';
import {treeLines} from '../render/tree.js';
import type {Branch} from '../render/tree.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {withStore} from '../access/with-store.js';

interface TraceOptions extends GlobalOptions {
  readonly in?: string;
}

export const traceCommand = (services: Services): Command =>
  withGlobals(new Command('trace'), ['r1 trace r0017-3', 'r1 trace r0017-3 --in rejection-sampling:dataset --json'])
    .description('where a row of a dataset came from: the rollout, its prompt, the policy that wrote it, the seed')
    .argument('<id>', 'the id of the row')
    .option('--in <reference>', 'the dataset that has it (default: searched in the newest run that has it)')
    .action(async (id: string, {in: reference, json, ...options}: TraceOptions) => {
      const {traceRow} = await import('../../artifacts/queries/row-lineage.js');
      await withStore(services, options, 'read', async (store) => {
        const start = reference === undefined ? await search(store, id) : await named(store, reference);
        const traced = await traceRow(store, id, start);
        services.say(json === true ? JSON.stringify(traced) : traceText(traced, services));
      });
    });

async function named(store: Store, reference: string) {
  const {resolveArtifact} = await import('../../artifacts/queries/reference.js');
  return resolveArtifact(store, reference, {suggest: suggestion});
}

async function search(store: Store, id: string) {
  const {findRow} = await import('../../artifacts/queries/row-lineage.js');
  const places = await findRow(store, id);
  const [first, ...others] = places;
  if (first === undefined)
    throw new UserError('not-found', `no run has a row “${id}”`, {hint: 'ids are the “id” of the lines of datasets'});
  if (others.length > 0) {
    const words = places.map(({attempt, output}) => `--in ${attempt.node}:${output.port}`);
    throw new UserError('ambiguous-reference', `${places.length} datasets have a row “${id}”`, {
      hint: `say which: ${words.join(', ')}`,
    });
  }
  return first;
}

/** A row has no end of text; so much of it fits behind its name. */
function excerpt({row}: TracedRow, places: number): string {
  const text = JSON.stringify(row);
  return text.length <= places ? text : `${text.slice(0, places - 1)}…`;
}

function traceText(root: TracedRow, {colours, width}: Pick<Services, 'colours' | 'width'>): string {
  const {bold, cyan, dim, red} = createColors(colours);
  type Id = TracedRow | string;
  const title = (row: TracedRow): string =>
    `${bold(row.id)}  ${row.node}:${row.port} ${cyan(`@${shortDigest(row.artifact)}`)}  ${dim(`${row.file === '' ? '' : `${row.file} `}line ${row.line}`)}`;
  const notes = (row: TracedRow): readonly string[] => [
    dim(excerpt(row, Math.max(40, width - 12))),
    ...row.beside.map(
      ({port, node, artifact}) => `${port} ← ${node} ${cyan(`@${shortDigest(artifact)}`)}  ${dim(`seed ${row.seed}`)}`,
    ),
    ...(row.lost.length === 0 ? [] : [red(`not found: ${row.lost.join(', ')}`)]),
  ];
  let note = 0;
  const lines = treeLines<Id>(
    {id: root, text: title(root)},
    {
      below: (id): readonly Branch<Id>[] =>
        typeof id === 'string'
          ? []
          : [
              ...notes(id).map((text): Branch<Id> => ({id: `note ${note++}`, text})),
              ...id.from.map((row): Branch<Id> => ({id: row, text: title(row)})),
            ],
      more: () => undefined,
      again: '',
    },
  );
  return lines.join('\n');
}
