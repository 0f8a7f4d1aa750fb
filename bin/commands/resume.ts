/** `r1 resume`: resumes a run that ended early. */
import {Command} from 'commander';
import type {RunId} from '../../artifacts/index.js';
import {prepareResume, runToResume} from '../../pipeline/plan/resume.js';
import {runtimeOf} from '../execution/runtime-of.js';
import {printReport} from '../execution/print-report.js';
import {carryOut} from '../execution/run-and-render.js';
import {withGlobals} from '../options/global-options.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {wholeNumber} from '../options/numbers.js';
import {commandLine, placeOf, withManaging, withTrust} from '../options/run-options.js';
import type {ManagingOptions, TrustOptions} from '../options/run-options.js';

type Options = GlobalOptions & ManagingOptions & TrustOptions & {readonly acceptCheckpoint?: boolean};

export const resumeCommand = (services: Services): Command =>
  withGlobals(withManaging(withTrust(new Command('resume'))), [
    'r1 resume',
    'r1 resume 12 --accept-checkpoint',
    'r1 resume --store ./sent-to-me --recipe ./my.recipe.ts',
  ])
    .description('continue a run: what succeeded in it stays, the rest runs with today’s code and the run’s own params')
    .argument('[run]', 'number of the run (default: the newest)', wholeNumber)
    .option(
      '--accept-checkpoint',
      'continue from checkpoints that other code wrote; their outputs are marked and never reused',
    )
    .action(async (wanted: number | undefined, options: Options) => {
      const store = services.openStore(options.store, {create: false});
      try {
        const run = runToResume(store, wanted as RunId | undefined);
        if (run.end?.outcome === 'succeeded') {
          if (options.json !== true) services.complain(`run ${run.id} has succeeded: there is nothing to resume`);
          return;
        }
        const {prepared, notes} = await prepareResume(run, store, runtimeOf, placeOf(options));
        const otherCode = options.acceptCheckpoint === true ? 'accept' : 'refuse';
        const summary = await carryOut({
          store,
          prepared,
          options,
          services,
          command: commandLine(),
          resume: run.id,
          otherCode,
          warnings: notes,
        });
        if (summary.outcome === 'succeeded' && options.json !== true) await printReport({store, summary, services});
      } finally {
        store.close();
      }
    });
