/**
 * The command line: finds the command's file, lets it parse the rest, says what went wrong. A command's modules are loaded
 * only when it is typed, so that `r1 run` of nothing to do stays quick.
 */
import {Command, CommanderError} from 'commander';
import {UserError, plainError} from '../artifacts/index.js';
import {suggestion} from '../pipeline/wiring/did-you-mean.js';
import {ownManifest} from '../pipeline/modules/own-package.js';
import {reportCrashes} from './execution/crash.js';
import {EXIT} from './exit-codes.js';
import {spareTerminalAtExit} from './terminal/foreground.js';
import {guardRecipe} from './execution/recipe-guard.js';
import type {Services} from './cli-context.js';
import {hintOf} from './render/hints.js';
import type {Mendable} from './render/hints.js';
import {terminalServices} from './terminal/terminal.js';

type Load = () => Promise<(services: Services) => Command>;

const COMMANDS: Readonly<Record<string, Load>> = {
  run: async () => (await import('./commands/run.js')).runCommand,
  plan: async () => (await import('./commands/plan.js')).planCommand,
  resume: async () => (await import('./commands/resume.js')).resumeCommand,
  stages: async () => (await import('./commands/stages.js')).stagesCommand,
  params: async () => (await import('./commands/params.js')).paramsCommand,
  finish: async () => (await import('./commands/finish.js')).finishCommand,
  status: async () => (await import('./commands/status.js')).statusCommand,
  log: async () => (await import('./commands/log.js')).logCommand,
  why: async () => (await import('./commands/why.js')).whyCommand,
  reproduce: async () => (await import('./commands/reproduce.js')).reproduceCommand,
  lineage: async () => (await import('./commands/lineage.js')).lineageCommand,
  show: async () => (await import('./commands/show.js')).showCommand,
  runs: async () => (await import('./commands/runs.js')).runsCommand,
  metrics: async () => (await import('./commands/metrics.js')).metricsCommand,
  scores: async () => (await import('./commands/scores.js')).scoresCommand,
  compare: async () => (await import('./commands/compare.js')).compareCommand,
  claims: async () => (await import('./commands/claims.js')).claimsCommand,
  samples: async () => (await import('./commands/samples.js')).samplesCommand,
  chat: async () => (await import('./commands/chat.js')).chatCommand,
  eval: async () => (await import('./commands/eval.js')).evalCommand,
  'bench-eval': async () => (await import('./commands/bench-eval.js')).benchEvalCommand,
  cost: async () => (await import('./commands/cost.js')).costCommand,
  diff: async () => (await import('./commands/diff.js')).diffCommand,
  export: async () => (await import('./commands/export.js')).exportCommand,
  'import-adapter': async () => (await import('./commands/import-adapter.js')).importAdapterCommand,
  'export-lineage': async () => (await import('./commands/export-lineage.js')).exportLineageCommand,
  trace: async () => (await import('./commands/trace.js')).traceCommand,
  verify: async () => (await import('./commands/verify.js')).verifyCommand,
  gc: async () => (await import('./commands/gc.js')).gcCommand,
  tag: async () => (await import('./commands/tag.js')).tagCommand,
  untag: async () => (await import('./commands/tag.js')).untagCommand,
  pin: async () => (await import('./commands/tag.js')).pinCommand,
  unpin: async () => (await import('./commands/tag.js')).unpinCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
};

/** @param words what was typed behind `r1` */
export async function main(words: readonly string[]): Promise<void> {
  reportCrashes();
  spareTerminalAtExit();
  const services = terminalServices();
  await guardRecipe(services, (guardedServices) => carryOutWords(words, guardedServices));
  await services.finish();
}

async function carryOutWords(words: readonly string[], outer: Services): Promise<void> {
  let store: string | undefined;
  // All the same, and it is known which store was opened.
  const services = Object.create(outer, {
    openStore: {
      value: (...given: Parameters<Services['openStore']>) => {
        const opened = outer.openStore(...given);
        store = opened.folder;
        return opened;
      },
    },
  }) as Services;
  const program = new Command('r1')
    .description('runs the DeepSeek-R1 recipe end to end and keeps proof of everything it made')
    .showHelpAfterError('(r1 --help lists the commands)')
    .configureOutput({
      writeOut: (text) => services.say(text.trimEnd()),
      writeErr: (text) => services.complain(text.trimEnd()),
    })
    .addHelpText(
      'after',
      '\nExample:\n  r1 run            train the tiny recipe\n  r1 run --help     all options of a run\n\n' +
        'Exit codes: 0 done; 1 a node failed, or a check found something; 2 wrong usage, a mistake in a recipe, or a store that\n' +
        'cannot be used; 70 an error of r1 itself; 74 a result could not be written; 130 stopped by hand',
    )
    .exitOverride();
  const typed = words[0]?.startsWith('-') === true ? undefined : words[0];
  // To find it out takes a moment, which who types a command need not spend.
  if (typed === undefined || typed === 'help') program.version(ownManifest().version, '-V, --version');
  if (typed !== undefined && typed !== 'help' && COMMANDS[typed] === undefined) {
    services.complain(
      `there is no command “${typed}”${suggestion(typed, Object.keys(COMMANDS))}\n(r1 --help lists the commands)`,
    );
    services.exit(EXIT.usage);
    return;
  }
  const wanted = typed === undefined || typed === 'help' ? Object.keys(COMMANDS) : [typed];
  for (const name of wanted) {
    const command = (await COMMANDS[name]!())(services);
    program.addCommand(command.copyInheritedSettings(program).showHelpAfterError(helpOn(command, words)));
  }
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, {from: 'user'});
  } catch (thrown) {
    const plain = plainError(thrown, 'carry this out');
    const isKnown = plain instanceof CommanderError || isUserError(plain) || store === undefined;
    const error = isKnown ? plain : ((await import('../artifacts/upkeep/damage.js')).damageOf(store!) ?? plain);
    if (error instanceof CommanderError) {
      if (error.exitCode !== 0) services.exit(EXIT.usage);
    } else if (isUserError(error)) {
      const hint = hintOf(error);
      services.complain(hint === undefined ? error.message : `${error.message}\n${hint}`);
      services.exit(EXIT.usage);
    } else {
      const {notSetUp} = await import('./access/not-set-up.js');
      const missing = notSetUp(error);
      if (missing === undefined) throw error;
      services.complain(`${missing.message}\n${missing.hint}`);
      services.exit(EXIT.usage);
    }
  }
}

/** The store's, and those of `stages/`, which may not import the store's: sentences for the person at the keyboard. */
const isUserError = (error: unknown): error is {readonly message: string} & Mendable =>
  error instanceof UserError || (error instanceof Error && ['UserError', 'StageFailure'].includes(error.name));

/** What to type after a mistake. An argument is easily taken for an option, as other commands have one of that name. */
function helpOn(command: Command, words: readonly string[]): string {
  const taken = command.registeredArguments
    .map((argument) => argument.name())
    .find((name) => words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`)));
  const isOption = command.options.some(({long}) => long === `--${taken}`);
  const hint = taken === undefined || isOption ? '' : `r1 ${command.name()} takes the ${taken} without --${taken}; `;
  return `(${hint}r1 ${command.name()} --help explains)`;
}
