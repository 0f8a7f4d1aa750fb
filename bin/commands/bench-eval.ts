/** `r1 bench-eval`: a model on one of the paper's benchmarks, or on a suite of one's own. Nothing is stored. */
import {existsSync} from 'node:fs';
import {basename} from 'node:path';
import {InvalidArgumentError, Option, type Command as Built} from 'commander';
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import {FORMATS, type Format} from '../../stages/data/import/params.js';
import {ROLES, type Role} from '../../stages/suites/roles.js';
import {SANDBOXES, type SandboxKind} from '../../stages/sandbox/names.js';
import {TEMPLATE_NAMES, type TemplateName} from '../../stages/text/template-names.js';
import type {AskModel, NamedFile, Suite} from '../../stages/suites/index.js';
import {runInterruptibly, withModelFolder} from '../access/model-folder.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {endpointOf, withEndpoint, type EndpointChoice, type EndpointFlags} from '../options/endpoint-options.js';
import {judgeOf} from '../options/judge-options.js';
import {countingNumber, numberBetween, wholeNumber} from '../options/numbers.js';
import {questionProgress} from '../render/question-progress.js';

interface BenchFlags extends EndpointFlags {
  readonly suite?: string;
  readonly list?: string | true;
  readonly data: Files;
  readonly format: Format;
  readonly limit?: number;
  readonly samples?: number;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly template?: TemplateName;
  readonly seed: number;
  readonly threads: number;
  readonly sandbox: SandboxKind;
  readonly judge?: string;
  readonly judgeRequest?: string;
  readonly judgeTimeout?: number;
  readonly judgeConcurrency?: number;
}

type Files = Readonly<Partial<Record<Role, readonly NamedFile[]>>>;

/** `shots=train.jsonl`, or a file of questions. */
function file(text: string, before: Files): Files {
  const [first = '', ...rest] = text.split('=');
  const isRole = rest.length > 0 && ROLES.includes(first as Role);
  const [role, path]: [Role, string] = isRole ? [first as Role, rest.join('=')] : ['questions', text];
  if (path === '') throw new InvalidArgumentError('a file is expected, as test.jsonl or shots=train.jsonl.');
  return {...before, [role]: [...(before[role] ?? []), {path, name: basename(path)}]};
}

const withSampling = (command: Built): Built =>
  command
    .addOption(
      new Option('--format <name>', 'what the file of the questions is, where its beginning does not tell')
        .choices(FORMATS)
        .default('auto'),
    )
    .option('--limit <n>', 'only so many problems, drawn by the seed', countingNumber)
    .option('--samples <n>', 'responses to each problem, in the place of the suite’s', countingNumber)
    .option('--max-tokens <n>', 'tokens of the longest response, in the place of the suite’s', countingNumber)
    .option(
      '--temperature <t>',
      'in the place of the suite’s; 0 always takes the likeliest token',
      numberBetween(0, 10),
    )
    .option('--top-p <p>', 'in the place of the suite’s', numberBetween(1e-6, 1))
    .addOption(new Option('--template <name>', 'in the place of the suite’s').choices([...TEMPLATE_NAMES]))
    .option('--seed <n>', 'of the draws; the same seed gives the same responses', wholeNumber, 0)
    .option('--threads <n>', 'threads to compute with', countingNumber, 1);

const withGrading = (command: Built): Built =>
  command
    .addOption(
      new Option('--sandbox <kind>', 'how programs that the model writes are contained')
        .choices(SANDBOXES)
        .default(SANDBOXES[0]),
    )
    .option(
      '--judge <model>',
      'of suites that a judge reads: its model, at the OpenAI-compatible endpoint of which R1_JUDGE_URL is the base; ' +
        'JUDGE_API_KEY is its key, if it wants one',
    )
    .option('--judge-request <json>', 'fields of each request to the judge; null leaves one out')
    .option('--judge-timeout <ms>', 'how long one request to the judge may take (default: 60000)', countingNumber)
    .option('--judge-concurrency <n>', 'requests to the judge at a time (default: 8)', countingNumber);

export const benchEvalCommand = (services: Services): Command =>
  withGrading(
    withSampling(
      withEndpoint(
        withGlobals(new Command('bench-eval'), [
          'r1 bench-eval --list',
          'r1 bench-eval --list aime-2024',
          'r1 bench-eval all-scenario-rl --suite aime-2024 --data aime_2024.parquet',
          'r1 bench-eval ./my-model --suite drop --data drop_v0_dev.jsonl.gz --data shots=drop_v0_train.jsonl.gz --limit 200',
          'r1 bench-eval ./my-model --suite ./mine.toml --data mine.jsonl --json',
          'r1 bench-eval --model deepseek-reasoner --endpoint https://api.deepseek.com/v1 --suite aime-2024 --data aime_2024.parquet --keep ./answers',
        ])
          .description(
            'score a model on a benchmark, from the file that was published: how it is asked and graded the suite says, and the paper’s numbers stand beside yours where both were measured in one way',
          )
          .argument(
            '[model]',
            '[run/]node, @digest, @tag, the folder of a model (has a slash), or a .gguf file; at an endpoint: --model',
          )
          .option(
            '--suite <name|file>',
            'a suite that is shipped, or a file of your own (TOML or JSON; has a slash or a dot)',
          )
          .option(
            '--data <[what=]file>',
            'the file or folder of the questions; other files that a suite wants by what they are, as shots=train.jsonl (repeats)',
            file,
            {},
          )
          .option(
            '--list [name]',
            'the suites that are shipped; or all of one: its files, prompt, settings and their sources',
          ),
        'as many tokens as the suite says',
      ),
    ),
  ).action(async (model: string | undefined, options: GlobalOptions & BenchFlags) => {
    const {list, suite: named} = options;
    if (list !== undefined) return listSuites(services, options.json === true, list === true ? named : list);
    const wrong = (problem: string, hint: string): UserError => new UserError('bad-argument', problem, {hint});
    if (named === undefined) throw wrong('which benchmark?', 'say --suite NAME; r1 bench-eval --list has their names');
    const suite = await suiteNamed(named);
    const endpoint = endpointOf({...options, choiceScores: 'none'}, model);
    if (options.data.questions === undefined)
      throw wrong(`${suite.title} wants a file of questions: ${suite.data.from}`, 'say --data FILE');
    await evaluate(services, options, {model, endpoint, suite});
  });

/** A name without slash and dot is of a suite that is shipped. */
async function suiteNamed(named: string): Promise<Suite> {
  const {readSuite, shippedSuite} = await import('../../stages/suites/index.js');
  if (!/[./\\]/.test(named)) return shippedSuite(named);
  if (!existsSync(named)) throw new UserError('not-found', `there is no file ${named}`);
  return readSuite(named, basename(named));
}

async function listSuites(services: Services, isJson: boolean, name: string | undefined): Promise<void> {
  const [{SUITES, shippedSuite}, {suiteDetails, suiteTable}] = await Promise.all([
    import('../../stages/suites/index.js'),
    import('../render/benchmarks.js'),
  ]);
  const suites = name === undefined ? await Promise.all(SUITES.map(shippedSuite)) : [await suiteNamed(name)];
  if (isJson) services.say(JSON.stringify(name === undefined ? suites : suites[0]));
  else if (name !== undefined) services.say(suiteDetails(suites[0]!));
  else
    services.say(
      `${suiteTable(suites)}\n\nr1 bench-eval --list NAME has the files that one wants, its settings and the paper’s numbers`,
    );
}

async function evaluate(
  services: Services,
  options: GlobalOptions & BenchFlags,
  {
    model,
    endpoint,
    suite,
  }: {readonly model: string | undefined; readonly endpoint: EndpointChoice | undefined; readonly suite: Suite},
): Promise<void> {
  const [{localModel, runSuite}, {suiteText}] = await Promise.all([
    import('../../stages/suites/index.js'),
    import('../render/benchmarks.js'),
  ]);
  const {data: files, format, limit, seed, threads, sandbox, samples, temperature, topP, template, maxTokens} = options;
  const judge = options.judge === undefined ? undefined : judgeOf({...options, answers: 'judge', column: {}});
  const asking = {samples, temperature, topP, template, maxNewTokens: maxTokens};
  const note = services.complain;
  const named = endpoint?.model ?? model!;
  const score = async (askModel: AskModel, stop: AbortSignal): Promise<void> => {
    const show = questionProgress(() => performance.now(), endpoint === undefined ? 'questions' : 'answers');
    const result = await runSuite(suite, {
      ...{files, askModel},
      asking: Object.fromEntries(Object.entries(asking).filter(([, value]) => value !== undefined)),
      ...{format, limit, seed, note, stop},
      cores: threads,
      grading: {sandbox, judge},
      done: (through, total, tokens) =>
        services.progress(
          show(through, total) + (tokens === undefined ? '' : `  ${tokens.toLocaleString('en')} tokens`),
        ),
    }).finally(() => services.progress(undefined));
    services.say(options.json === true ? JSON.stringify({model: named, ...result}) : suiteText(named, result));
  };
  if (endpoint === undefined)
    return withModelFolder(services, options, named, (folder, stop) =>
      score(localModel(folder, {threads, cores: threads, note}), stop),
    );
  const askModel = await atEndpoint(endpoint, note);
  await runInterruptibly(services, (stop) => score(askModel, stop));
}

/** A model at an endpoint, its answers kept where a person said so. */
async function atEndpoint(
  {model, request, keep, open}: EndpointChoice,
  note: (text: string) => void,
): Promise<AskModel> {
  const [{endpointModel}, {keptAnswers}, {NO_CHECKPOINTS}] = await Promise.all([
    import('../../stages/suites/index.js'),
    import('../../stages/endpoint/kept-answers.js'),
    import('../../stages/endpoint/journal.js'),
  ]);
  const checkpoints = keep === undefined ? NO_CHECKPOINTS : await keptAnswers(keep);
  return endpointModel(await open(), {endpoint: model, endpointRequest: request, checkpoints, note});
}
