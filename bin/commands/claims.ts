/** `r1 claims`: what a recipe claims and what a run measured; over several runs, with the run's seed as the unit. */
import {Command} from 'commander';

import {UserError} from '../../artifacts/index.js';
import type {FoundReport} from '../access/reports.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {runNumbers} from '../options/lists.js';
import {withStore} from '../access/with-store.js';
import {fitted} from '../terminal/columns.js';

interface ClaimsOptions extends GlobalOptions {
  readonly run?: readonly number[];
  readonly report?: string;
}

export const claimsCommand = (services: Services): Command =>
  withGlobals(new Command('claims'), ['r1 claims', 'r1 claims --run 1,2,3 --json'])
    .description(
      'what the recipe claims, as measured: value, 95 % interval, and holds, not significant, fails or not judged',
    )
    .option(
      '--run <n>',
      'number of a run; several (1,2,3 or 1..3; repeats) to judge over their seeds (default: the newest that has a report)',
      runNumbers,
    )
    .option('--report <node>', 'which report, where a run made several (default: the one that covers most)')
    .action(async ({run: wanted = [], report: node, json, ...options}: ClaimsOptions) => {
      const {findReport, olderRunNote, withReportFolder} = await import('../access/reports.js');
      const {readClaims, readTrends} = await import('../../stages/evaluation/report/index.js');
      await withStore(services, options, 'read', async (store) => {
        const found = (wanted.length === 0 ? [undefined] : wanted).map((run) => findReport(store, {run, node}));
        refuseTwins(found);
        const older = olderRunNote(store, found[0]!, wanted[0]);
        if (older !== undefined) services.complain(older);
        const runs = [];
        for (const report of found) {
          const read = (folder: string) => Promise.all([readClaims(folder), readTrends(folder)]);
          const [claims, trends] = await withReportFolder(store, report, read);
          runs.push({run: String(report.run.id), claims, trends});
        }
        const {judgeOverRuns} = await import('../../stages/evaluation/index.js');
        const claims = runs.length === 1 ? runs[0]!.claims : judgeOverRuns(runs);
        if (json === true) {
          services.say(JSON.stringify(claims));
          return;
        }
        const {claimsText} = await import('../render/claims.js');
        const {declaredIn} = await import('../access/run-result.js');
        const heads = found.map(({run}) => `run ${run.id}: ${run.recipe}, seed ${run.seed}`);
        services.say(`${heads.join('\n')}\n`);
        const judged = new Set(claims.map(({claim}) => claim));
        const {orTold} = await import('../access/or-told.js');
        // A plan that cannot be read hides no numbers.
        const declared = await Promise.all(
          found.map((report) => orTold(services.complain, () => declaredIn(report.run, report.node))),
        );
        const unmeasured = [...new Set(declared.flatMap((ids) => ids ?? []))].filter((id) => !judged.has(id));
        services.say(fitted(claimsText(claims, {...services, unmeasured}), services));
        if (runs.length === 1) return;
        const {trendsOverSeeds} = await import('../render/trends.js');
        const trends = trendsOverSeeds(runs, services);
        if (trends !== '') services.say(`\n${fitted(trends, services)}`);
      });
    });

/** Seeds are the unit, so two runs of one seed would count the same thing twice, and so would two of which nothing depends on it. */
function refuseTwins(reports: readonly FoundReport[]): void {
  reports.forEach(({run, artifact}, index) => {
    const before = reports.slice(0, index);
    const same = before.find((other) => other.artifact === artifact);
    if (same !== undefined && same.run.seed !== run.seed)
      throw new UserError('bad-argument', `runs ${same.run.id} and ${run.id} have the same report, byte by byte`, {
        hint: 'nothing in it depends on the seed, so another seed tells nothing new: leave one of them out',
      });
    const twin = before.find((other) => other.run.seed === run.seed);
    if (twin === undefined) return;
    throw new UserError('bad-argument', `runs ${twin.run.id} and ${run.id} have the same seed, ${run.seed}`, {
      hint: 'leave one of them out: over several runs the seed is the unit',
    });
  });
}
