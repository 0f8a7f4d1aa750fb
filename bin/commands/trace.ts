/** `r1 trace`: where one row of a dataset came from, row by row; and what was drawn for a prompt and dropped, with the reason. */
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {trace} from '../../artifacts/queries/row-lineage.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {StoredGroup} from '../../stages/samples/index.js';
import {orTold} from '../access/or-told.js';
import type {Stored} from '../access/stored-samples.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {traceText} from '../render/trace.js';

interface TraceOptions extends GlobalOptions {
  readonly in?: string;
  readonly full?: boolean;
  readonly dropped?: string;
  readonly pager: boolean;
}

export const traceCommand = (services: Services): Command =>
  withGlobals(new Command('trace'), [
    'r1 show zero-rl:rollouts                     # of any artifact with rows: the ids of the first ones',
    'r1 samples rejection-sampling:dataset        # rows as texts, and the trace of one of them to type',
    'r1 trace dials:98:R+3R+2:zh',
    "r1 trace 'rejection-sampling:dials:98:R+3R+2:zh#0' --in rejection-sampling:dataset --full",
    'r1 trace --dropped dials:98:R+3R+2:zh --in cold-start-data',
  ])
    .description('where a row of a dataset came from: the rollout, its prompt, the policy that wrote it, the seed')
    .argument('[id]', 'the id of the row')
    .option('--in <reference>', 'the dataset, or node, that has it (default: searched in the newest run that has it)')
    .option('--full', 'show whole rows, each field on lines of its own, and not as much as fits a line')
    .option(
      '--dropped <prompt>',
      'in the place of an id: what was drawn for this prompt and is in no dataset, each with the reason',
    )
    .option('--no-pager', 'print a long result as it is (default: through PAGER, else less, on a terminal)')
    .addHelpText(
      'after',
      '\nEvery row of an artifact has an “id”, and in “from” the ids of the rows that it was made from; a row without one is called\n' +
        '“line N”. A prompt’s id is what its source or its task calls it. A completion has that of its prompt with #0, #1 … behind it\n' +
        '(rows of reinforcement learning with “step-N:” before it), a row of a dataset that of its completion with a word before it.\n' +
        'An id may hold any characters: put it into quotes.',
    )
    .action(async (id: string | undefined, options: TraceOptions) => {
      const {dropped, in: dataset, json, full, pager, ...where} = options;
      if ((id === undefined) === (dropped === undefined))
        throw new UserError(
          'bad-argument',
          id === undefined ? 'the id of a row is missing' : 'an id and --dropped do not go together',
          {
            hint: 'r1 trace ID follows a row; r1 trace --dropped PROMPT lists what was dropped; r1 samples and r1 show list ids',
          },
        );
      await withStore(services, where, 'read', async (store) => {
        if (dropped !== undefined) {
          await listDropped(services, store, dropped, {node: dataset, isJson: json === true, isPaged: pager});
          return;
        }
        const traced = await trace(store, id!, {...(dataset === undefined ? {} : {dataset}), suggest: suggestion});
        if (json === true) services.say(JSON.stringify(traced));
        else if (full !== true) services.say(traceText(traced, services));
        else
          await services.long(
            async (show) => {
              await show(`${traceText(traced, services, true)}\n`);
            },
            {isPaged: pager},
          );
      });
    });

/** What one node drew for the prompt. */
interface Drawn {
  readonly stored: Stored;
  readonly group: StoredGroup;
}

async function listDropped(
  services: Services,
  store: Store,
  prompt: string,
  {node, isJson, isPaged}: {readonly node: string | undefined; readonly isJson: boolean; readonly isPaged: boolean},
): Promise<void> {
  const drawn = await drawnFor(store, prompt, {node, complain: services.complain});
  if (isJson) {
    services.say(JSON.stringify(drawn.map(droppedJson)));
    return;
  }
  const [{groupText}, {siftedText}] = await Promise.all([
    import('../render/samples.js'),
    import('../render/samples-header.js'),
  ]);
  await services.long(
    async (show) => {
      for (const {stored, group} of drawn)
        if (!(await show(`${siftedText(stored, group, services)}\n\n${groupText([{group}], services)}\n`))) return;
    },
    {isPaged},
  );
}

function droppedJson({stored: {attempt, output}, group}: Drawn): object {
  const {samples, wanted, ...about} = group;
  return {
    artifact: output.artifact,
    node: attempt.node,
    port: output.port,
    attempt: attempt.id,
    run: attempt.run,
    ...about,
    drawn: samples.length,
    kept: samples.filter(({fate}) => fate === 'kept').length,
    dropped: wanted,
  };
}

/** By every node of one run that sifts what it draws: of the newest run in which one has drawn for this prompt. */
async function drawnFor(
  store: Store,
  prompt: string,
  {node, complain}: {readonly node: string | undefined; readonly complain: (text: string) => void},
): Promise<readonly Drawn[]> {
  const [{rolloutsOf}, {askedBy, readGroups, surveyOf}] = await Promise.all([
    import('../access/stored-samples.js'),
    import('../../stages/samples/index.js'),
  ]);
  const known = new Set<string>();
  let sifting = 0;
  // One of many that cannot be read is told of, and hides none of the others; the one that was asked for is the answer.
  const reading = <T>(work: () => Promise<T>): Promise<T | undefined> =>
    node === undefined ? orTold(complain, work) : work();
  for (const run of await rolloutsOf(store, node, complain)) {
    const drawn: Drawn[] = [];
    for (const stored of run) {
      const survey = await reading(() => surveyOf(stored.rows, {problems: [prompt]}));
      if (survey === undefined) continue;
      const {groups, found, fates} = survey;
      if (fates.size === 0) continue; // reinforcement learning learns from all that it draws
      sifting++;
      for (const group of groups) known.add(group.prompt);
      const asked = await askedBy(stored.prompts, new Set(found.map((group) => group.prompt)));
      for await (const group of readGroups(stored.rows, found, {asked})) {
        const wanted = group.samples.filter(({fate}) => fate !== undefined && fate !== 'kept');
        drawn.push({stored, group: {...group, wanted}});
      }
    }
    if (drawn.length > 0) return drawn;
  }
  const where = node ?? 'no node of this store';
  if (sifting === 0)
    throw new UserError(
      'not-found',
      `${where}${node === undefined ? ' has dropped' : ' has dropped none of'} what it drew`,
      {
        hint: 'the stages “rejection-sampling” and “cold-start-data” choose among completions, and keep the reason for each in their rollouts',
      },
    );
  throw new UserError(
    'not-found',
    node === undefined
      ? `no node has drawn anything for a prompt “${prompt}” to choose from${suggestion(prompt, known)}`
      : `${node} has drawn nothing for a prompt “${prompt}”${suggestion(prompt, known)}`,
    {hint: `the ids of prompts look like this: ${[...known].slice(0, 3).join(', ')}`},
  );
}
