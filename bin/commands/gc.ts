/** `r1 gc`: frees space, and says why the rest stays and how what went can be had again. */
import {Command} from 'commander';
import type {GcResult} from '../../artifacts/upkeep/gc.js';
import {mayBeFull} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {lazyExecutor} from '../execution/executor.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {withStore} from '../access/with-store.js';

interface GcOptions extends GlobalOptions {
  readonly dryRun?: boolean;
  readonly keepRuns?: number;
  readonly keepKind?: readonly string[];
}

/** Small, and what one wants to look up later. */
const KINDS = ['report', 'scores'];

export const gcCommand = (services: Services): Command =>
  withGlobals(new Command('gc'), [
    'r1 gc --dry-run --keep-runs 2',
    'r1 gc --keep-runs 2',
    'r1 gc --keep-kind report --keep-kind model',
  ])
    .description('free space: remove bytes that no tag, no pin and no run that is kept or still running needs')
    .option('--dry-run', 'only show what would stay and why, what would go, and how it could be made again')
    .option('--keep-runs <n>', 'keep the newest n runs of each recipe (default: all)', wholeNumber)
    .option(
      '--keep-kind <kind>',
      `keep every artifact of this kind (repeats; default: ${KINDS.join(', ')})`,
      (kind: string, before: readonly string[] | undefined) => [...(before ?? []), kind],
    )
    .action(async ({dryRun, keepRuns, keepKind, json, ...options}: GcOptions) => {
      const {gc, freeUnrecorded, needsRoom, planGc} = await import('../../artifacts/upkeep/gc.js');
      const {collectionText} = await import('../render/gc.js');
      const policy = {...(keepRuns === undefined ? {} : {keepRuns}), keepKinds: keepKind ?? KINDS};
      const command = [
        'r1 gc',
        ...(keepRuns === undefined ? [] : [`--keep-runs ${keepRuns}`]),
        ...(keepKind ?? []).map((kind) => `--keep-kind ${kind}`),
      ].join(' ');
      const say = (plan: GcResult): void =>
        services.say(
          json === true
            ? JSON.stringify(plan)
            : collectionText(plan, {dryRun: dryRun === true, keepsAllRuns: keepRuns === undefined}),
        );
      if (dryRun === true) {
        await withStore(services, options, 'read', (store) => say(planGc(store, policy)));
        return;
      }
      const collectNow = () =>
        withStore(services, options, {mode: 'write', useReserve: true}, async (store) => {
          await endAbandonedIn(store, services);
          return gc(store, policy, command);
        });
      try {
        say(await collectNow());
      } catch (error) {
        if (!mayBeFull(error)) throw error;
        // A store of 0.1 keeps no room for this day.
        if (!(await withStore(services, options, 'read', (store) => freeUnrecorded(store, policy))))
          throw needsRoom(error);
        say(await collectNow());
      }
    });

/** A killed `reproduce` may have left a stage that still writes to what is to be removed. */
async function endAbandonedIn(store: Store, services: Services): Promise<void> {
  const abandoned = store.abandonedScratch();
  if (abandoned.length === 0) return;
  const {endAbandoned} = await import('../../pipeline/run/end-orphans.js');
  const executor = lazyExecutor();
  try {
    await endAbandoned(abandoned, {executor, warn: (text) => services.complain(text)});
  } finally {
    executor.close?.();
  }
}
