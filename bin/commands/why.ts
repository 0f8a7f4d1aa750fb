/** `r1 why`: the recorded reason for what a run did with a node, from the store alone. */
import {Command} from 'commander';
import {whyOf} from '../../pipeline/inspect/why.js';
import {isTensorflowNote} from '../../stages/tensorflow/native-notes.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {whyJson, whyText} from '../render/why.js';

interface WhyOptions extends GlobalOptions {
  readonly run?: number;
}

export const whyCommand = (services: Services): Command =>
  withGlobals(new Command('why'), ['r1 why full-sft', 'r1 why 12/full-sft'])
    .description('show why a node ran, was reused or was not started, by default in the newest run that includes it')
    .argument('<node>', '[run/]node')
    .option('--run <n>', 'the run to ask about', wholeNumber)
    .action(async (name: string, {run, json, ...options}: WhyOptions) => {
      await withStore(services, options, 'read', (store) => {
        const why = whyOf(store, name, {...(run === undefined ? {} : {run}), leaveOut: isTensorflowNote});
        services.say(json === true ? JSON.stringify(whyJson(why)) : whyText(why));
      });
    });
