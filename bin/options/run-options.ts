/** Options that several commands share, and how their words become values. */
import {InvalidArgumentError, Option} from 'commander';
import type {Command} from 'commander';
import {recipeUrl} from '../../pipeline/wiring/load-recipe.js';
import type {Capacity, OnFailure} from '../../pipeline/run/scheduler.js';
import {GRACE} from '../../pipeline/run/stop.js';
import type {RunRequest} from '../../pipeline/plan/prepare.js';
import type {Recipe} from '../../pipeline/recipe.js';
import type {TrustedPlace} from '../../pipeline/plan/trust.js';
import {RECIPES} from '../access/recipes.js';
import {countingNumber, wholeNumber} from './numbers.js';

/** A list option repeats and takes one value each time: `--only a --only b`. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is expected.');
  return value;
}

/** Tools that take units are many, so what is typed in their way is told the right number. */
function mebibytes(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt])i?b?$/i.exec(text) ?? [];
  if (digits !== '') {
    const value = Number(digits) * 1024 ** ('kmgt'.indexOf(unit.toLowerCase()) - 1);
    throw new InvalidArgumentError(`a number of MiB without a unit is expected: ${Math.ceil(value)}.`);
  }
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number of MiB above 0 is expected.');
  return value;
}

/** What a run or a plan is about. */
export interface RequestOptions {
  readonly seed: number;
  readonly profile?: string;
  readonly only?: string[];
  readonly from?: string[];
  readonly until?: string[];
  readonly set?: string[];
  readonly source?: string[];
  readonly force?: string[];
  readonly trainer?: string;
  readonly replace?: string[];
}

export const withRequest = (command: Command): Command =>
  command
    .option('--seed <n>', 'the run’s seed', wholeNumber, 0)
    .option('--profile <name>', 'other numbers for the same recipe, where it has profiles (smollm2: gpu)')
    .option('--only <node>', 'this node and what it needs (repeats)', collect)
    .option('--from <node>', 'this node and everything that depends on it (repeats)', collect)
    .option('--until <node>', 'everything up to this node (repeats)', collect)
    .option('--set <node.param=value>', 'change a param; the value is JSON or a string (repeats)', collect)
    .option('--source <node[:port]=path>', 'use a file or folder in place of what a node makes (repeats)', collect)
    .option(
      '--trainer <name>',
      'have another program train: trl (TRL, in a Python of your own; see stages/trl/README.md)',
    )
    .option('--replace <node=stage>', 'use another stage at a node, with its inputs and params (repeats)', collect)
    .option('--force <node>', 'run this node even if nothing changed (repeats)', collect);

export const requestOf = ({
  seed,
  profile,
  only,
  from,
  until,
  set,
  source,
  force,
  trainer,
  replace,
}: RequestOptions): RunRequest => ({
  seed,
  ...(profile === undefined ? {} : {profile}),
  ...(only === undefined ? {} : {only}),
  ...(from === undefined ? {} : {from}),
  ...(until === undefined ? {} : {until}),
  ...(set === undefined ? {} : {set}),
  ...(source === undefined ? {} : {source}),
  ...(force === undefined ? {} : {force}),
  ...(trainer === undefined ? {} : {trainer}),
  ...(replace === undefined ? {} : {replace}),
});

/** A line that names the profile that was asked for, as the nodes of all profiles are the same; none where none was. */
export const profileHeading = (
  {name, profiles = {}}: Pick<Recipe, 'name' | 'profiles'>,
  {profile}: Pick<RequestOptions, 'profile'>,
): string[] => (profile === undefined ? [] : [`${name}, profile ${profile}: ${profiles[profile] ?? ''}`]);

/** How a run goes about it. */
export interface ManagingOptions {
  readonly onFailure: OnFailure;
  readonly jobs?: number;
  readonly cpu?: number;
  readonly gpu?: number;
  readonly memory?: number;
  readonly grace?: number;
  readonly finish?: string[];
}

export const withManaging = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--on-failure <mode>',
        'when a node fails: let the others finish, continue with what does not need it, or stop them',
      )
        .choices(['finish', 'continue', 'stop'])
        .default('finish'),
    )
    .option('--jobs <n>', 'run at most this many nodes at once', countingNumber)
    .option('--cpu <n>', 'cores to use (default: all)', positive)
    .option('--gpu <n>', 'GPUs to use (default: what set-up found)', wholeNumber)
    .option('--memory <mib>', 'memory to use, in MiB (default: all)', mebibytes)
    .option(
      '--grace <seconds>',
      `time a stopped stage has to write its checkpoint (default: by what its steps and checkpoints took, ${GRACE.least} to ${GRACE.most})`,
      positive,
    )
    .option('--finish <node>', 'end this node early and keep the model of its newest checkpoint (repeats)', collect);

/** What is typed of what there is to give out; the executor knows the rest. */
export const capacityOf = ({jobs, cpu, gpu, memory}: ManagingOptions): Partial<Capacity> => ({
  ...(jobs === undefined ? {} : {jobs}),
  ...(cpu === undefined ? {} : {cpu}),
  ...(gpu === undefined ? {} : {gpu}),
  ...(memory === undefined ? {} : {memory}),
});

/** What was typed, as it is kept with the run. */
export const commandLine = (): string => ['r1', ...process.argv.slice(2)].join(' ');

/** Whose code is run when a plan out of a store is carried out again. */
export interface TrustOptions {
  readonly recipe?: string;
}

export const withTrust = (command: Command): Command =>
  command.option(
    '--recipe <recipe>',
    'the recipe whose code to run, by name or path (default: the one that the run was started with, if it is in this project)',
  );

export const placeOf = ({recipe}: TrustOptions): Omit<TrustedPlace, 'store'> => ({
  recipe: recipe === undefined ? undefined : recipeUrl(recipe, RECIPES),
  cwd: process.cwd(),
  typed: commandLine(),
});
