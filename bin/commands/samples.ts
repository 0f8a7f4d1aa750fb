/** `r1 samples`: what models wrote, with what they were asked and how it was judged. */
import {Command, InvalidArgumentError} from 'commander';
import {UserError} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {Asked, GroupEntry, SampleFilter, StoredGroup, Survey} from '../../stages/samples/index.js';
import {findBeside, findStored, referenceTo} from '../access/stored-samples.js';
import type {Stored} from '../access/stored-samples.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {countingNumber} from '../options/numbers.js';

interface SamplesOptions extends GlobalOptions {
  readonly step?: NonNullable<SampleFilter['steps']>;
  readonly wrong?: boolean;
  readonly mixed?: boolean;
  readonly reflective?: boolean;
  readonly truncated?: boolean;
  readonly problem?: string;
  readonly beside?: string;
  readonly limit: number;
  readonly pager: boolean;
}

/** Groups that are shown unless more are asked for: about as much as somebody reads at once. */
const GROUPS = 5;

/** What is read sooner needs no line that says so. */
const QUICK_MS = 500;

function stepsIn(text: string): NonNullable<SampleFilter['steps']> {
  if (text === 'last') return 'last';
  const [, from, to = from] = /^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? [];
  if (from === undefined || Number(to) < Number(from))
    throw new InvalidArgumentError('a step is expected, as 20, or several, as 10..20, or last.');
  return {from: Number(from), to: Number(to)};
}

const limitIn = (text: string): number => (text === 'all' ? Infinity : countingNumber(text));

export const samplesCommand = (services: Services): Command =>
  withGlobals(new Command('samples'), [
    'r1 samples zero-rl',
    'r1 samples zero-rl --step 10..20 --mixed',
    'r1 samples evaluate-base --wrong --limit 20',
    'r1 samples evaluate-base --beside zero-rl',
    "r1 samples cold-start-data --problem 'dials:98:R+3R+2:zh' --json",
  ])
    .description('read what models wrote: question, completions, rewards by part, advantage and verdict')
    .argument('<reference>', 'a node, a model or an artifact: [run/]node[:port], @digest, @tag')
    .option('--step <n>', 'sampled at this step: 20, 10..20 or last', stepsIn)
    .option('--wrong', 'only completions that were judged and are not right, not helpful or not safe')
    .option('--mixed', 'only groups with completions that are right and ones that are not')
    .option('--reflective', 'only completions with reflective words (wait, check, 等等 …)')
    .option('--truncated', 'only completions that were cut off')
    .option('--problem <id>', 'only this prompt, by its id, its key or the id of a completion')
    .option('--beside <other>', 'the same prompts answered by another node, model or artifact as well')
    .option('--limit <n>', 'so many groups, spread over all that there are; or all', limitIn, GROUPS)
    .option('--no-pager', 'print a long result as it is (default: through PAGER, else less, on a terminal)')
    .addHelpText(
      'after',
      '\nA group is what was answered to one prompt, at one step where a stage samples at several. A node or model stands for what it\n' +
        'sampled or was made to answer: the rollouts of its training, else its evaluations; with --beside for its evaluations.\n' +
        '--json prints one object: of, beside, groups, completions, found, and in shown the groups with the texts as they are.',
    )
    .action(async (reference: string, options: SamplesOptions) => {
      await withStore(services, options, 'read', async (store) => {
        await samples(services, store, reference, options);
      });
    });

/** One of the artifacts that are read, after the first look at it. */
interface Looked {
  readonly stored: Stored;
  readonly survey: Survey;
}

async function samples(services: Services, store: Store, reference: string, options: SamplesOptions): Promise<void> {
  const {askedBy, partnersIn, promptsWithKey, spreadOver, surveyOf} = await import('../../stages/samples/index.js');
  const {step, wrong, mixed, reflective, truncated, problem, beside, limit} = options;
  const plain: SampleFilter = {
    ...(step === undefined ? {} : {steps: step}),
    ...(wrong === true ? {wrong} : {}),
    ...(mixed === true ? {mixed} : {}),
    ...(reflective === true ? {reflective} : {}),
    ...(truncated === true ? {truncated} : {}),
  };
  const look = async (stored: Stored, wanted: SampleFilter): Promise<Looked> => {
    const since = performance.now();
    const progress = (lines: number): void => {
      if (performance.now() - since < QUICK_MS) return;
      services.progress(`reading ${referenceTo(stored)}: ${lines.toLocaleString('en')} rows`);
    };
    const survey = await surveyOf(stored.rows, wanted, progress).finally(() => services.progress(undefined));
    return {stored, survey};
  };
  const [one, other] =
    beside === undefined ? [await findStored(store, reference)] : await findBeside(store, [reference, beside]);
  const named = problem === undefined ? [] : [problem, ...(await promptsWithKey(one.prompts, problem))];
  const filter = problem === undefined ? plain : {...plain, problems: named};
  const left = await look(one, filter);
  refuseUnknown(left, filter, problem);
  const right = other === undefined ? undefined : await look(other, {});
  const partnerOf = right === undefined ? undefined : partnersIn(right.survey);
  if (right !== undefined && !left.survey.groups.some((group) => partnerOf!(group) !== undefined))
    throw strangers(left, right);
  const found = left.survey.found.filter((group) => partnerOf === undefined || partnerOf(group) !== undefined);
  const chosen = spreadOver(found, limit);
  const prompts = [one, ...(other === undefined ? [] : [other])].flatMap((stored) => stored.prompts);
  const asked = await askedBy(prompts, new Set(chosen.map(({prompt}) => prompt)));
  const shown: Shown = {left, right, found, chosen, partnerOf, asked, filter, chosenBy: chosenBy(options)};
  if (options.json === true) await showJson(services, shown);
  else await showText(services, shown, options.pager);
}

/** What is shown, chosen and still to be read. */
interface Shown {
  readonly left: Looked;
  readonly right: Looked | undefined;
  readonly found: readonly GroupEntry[];
  readonly chosen: readonly GroupEntry[];
  readonly partnerOf: ((entry: GroupEntry) => GroupEntry | undefined) | undefined;
  readonly asked: ReadonlyMap<string, Asked>;
  readonly filter: SampleFilter;
  readonly chosenBy: string;
}

/** The chosen groups, each with the one beside it. */
async function* pairsOf({
  left,
  right,
  chosen,
  partnerOf,
  asked,
  filter,
}: Shown): AsyncGenerator<[StoredGroup, StoredGroup?]> {
  const {readGroups, readPartners} = await import('../../stages/samples/index.js');
  const partners =
    right === undefined || partnerOf === undefined
      ? undefined
      : await readPartners(
          right.stored.rows,
          chosen.map((entry) => partnerOf(entry)!),
          {asked},
        );
  let next = 0;
  for await (const group of readGroups(left.stored.rows, chosen, {filter, asked})) {
    const partner = partnerOf?.(chosen[next++]!);
    const beside = partner === undefined ? undefined : partners?.get(partner.key);
    yield beside === undefined ? [group] : [group, beside];
  }
}

async function showText(services: Services, shown: Shown, isPaged: boolean): Promise<void> {
  const [{groupText}, {nextText, shownText, storedText}] = await Promise.all([
    import('../render/samples.js'),
    import('../render/samples-header.js'),
  ]);
  const {left, right, found, chosen, chosenBy} = shown;
  const other = right === undefined ? undefined : referenceTo(right.stored);
  await services.long(
    async (show) => {
      const heads = [left, ...(right === undefined ? [] : [right])];
      await show(`${heads.map(({stored, survey}) => storedText(stored, survey, services)).join('\n')}\n`);
      const wanted = {chosenBy, found: found.length, shown: chosen.length, other};
      await show(`${shownText(wanted, services)}\n${found.length === 0 ? '' : '\n'}`);
      let last: string | undefined;
      for await (const [group, beside] of pairsOf(shown)) {
        const title = right === undefined ? {} : {title: referenceTo(left.stored)};
        const partner = beside === undefined ? [] : [{group: beside, title: other!}];
        if (!(await show(`${groupText([{group, ...title}, ...partner], services)}\n`))) return;
        last = group.wanted.at(-1)?.id ?? last;
      }
      const next = nextText(left.stored, last, services);
      if (next !== '') await show(`${next}\n`);
    },
    {isPaged},
  );
}

/** One value, written as it is read. */
async function showJson(services: Services, shown: Shown): Promise<void> {
  const {left, right, found} = shown;
  const of = ({stored: {attempt, output}}: Looked): object => ({
    artifact: output.artifact,
    kind: output.kind,
    node: attempt.node,
    port: output.port,
    attempt: attempt.id,
    run: attempt.run,
    stage: attempt.stage,
  });
  const head = {
    of: of(left),
    ...(right === undefined ? {} : {beside: of(right)}),
    groups: left.survey.groups.length,
    completions: left.survey.samples,
    found: found.length,
  };
  const groupJson = ({samples, wanted, ...group}: StoredGroup): object => ({
    ...group,
    completions: samples.length,
    samples: wanted,
  });
  await services.long(
    async (show) => {
      await show(`${JSON.stringify(head).slice(0, -1)},"shown":[`);
      let comma = '';
      for await (const [group, beside] of pairsOf(shown)) {
        const json = {...groupJson(group), ...(beside === undefined ? {} : {beside: groupJson(beside)})};
        if (!(await show(`${comma}${JSON.stringify(json)}`))) return;
        comma = ',';
      }
      await show(']}\n');
    },
    {isPaged: false},
  );
}

/** What was typed to choose, as it was typed. */
function chosenBy({step, wrong, mixed, reflective, truncated, problem}: SamplesOptions): string {
  const steps = typeof step === 'object' ? (step.from === step.to ? `${step.from}` : `${step.from}..${step.to}`) : step;
  const words = [
    ...(steps === undefined ? [] : [`--step ${steps}`]),
    ...Object.entries({wrong, mixed, reflective, truncated}).flatMap(([name, isSet]) =>
      isSet === true ? [`--${name}`] : [],
    ),
    ...(problem === undefined ? [] : [`--problem ${problem}`]),
  ];
  return words.join(' ');
}

/** A filter that asks for what the rows do not say would find nothing, and seem to say that there is nothing. */
function refuseUnknown(
  {stored, survey}: Looked,
  {wrong, mixed, truncated, steps}: SampleFilter,
  problem: string | undefined,
): void {
  const name = referenceTo(stored);
  const hint = stored.others.length === 0 ? undefined : `what else there is to read: ${stored.others.join(', ')}`;
  const refuse = (message: string): never => {
    throw new UserError('bad-argument', message, {hint});
  };
  if ((wrong ?? mixed) === true && survey.judged === 0)
    refuse(
      `nothing in ${name} says which completions are right, so --${wrong === true ? 'wrong' : 'mixed'} has nothing to go by`,
    );
  if (truncated === true && survey.ended.known === 0)
    refuse(`nothing in ${name} says which completions were cut off, so --truncated has nothing to go by`);
  if (steps !== undefined && survey.steps.length === 0)
    refuse(`${name} was not sampled at steps, so --step has nothing to go by`);
  if (typeof steps === 'object' && !survey.steps.some((step) => step >= steps.from && step <= steps.to)) {
    const near = [survey.steps.findLast((step) => step < steps.from), survey.steps.find((step) => step > steps.to)];
    const known = near.filter((step) => step !== undefined).join(' and ');
    const asked = steps.from === steps.to ? `step ${steps.from}` : `steps ${steps.from} to ${steps.to}`;
    throw new UserError('not-found', `nothing in ${name} was sampled at ${asked}`, {
      hint: `there are ${survey.steps.length} steps from ${survey.steps[0]!} to ${survey.steps.at(-1)!}; the nearest: ${known}`,
    });
  }
  if (problem !== undefined && !survey.groups.some(({isNamed}) => isNamed)) throw unknownProblem(name, problem, survey);
}

/** More ids than this are not compared with what was typed. */
const COMPARED = 20_000;

function unknownProblem(name: string, problem: string, {groups}: Survey): UserError {
  const ids = [...new Set(groups.map(({prompt}) => prompt))];
  const meant = ids.length > COMPARED ? '' : suggestion(problem, ids);
  return new UserError('not-found', `${name} has no prompt “${problem}”${meant}`, {
    hint: `the ids of its ${ids.length} prompts look like this: ${ids.slice(0, 3).join(', ')}`,
  });
}

function strangers(left: Looked, right: Looked): UserError {
  const [one, other] = [referenceTo(left.stored), referenceTo(right.stored)];
  const others = [...new Set([...left.stored.others, ...right.stored.others])];
  return new UserError('not-found', `${one} and ${other} have no prompt in common`, {
    hint: others.length === 0 ? undefined : `what else there is to read: ${others.join(', ')}`,
  });
}
