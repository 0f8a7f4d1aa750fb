/**
 * The report: stage table, curves, distillation table and claims as Markdown and JSON, from nothing but its inputs, so
 * equal inputs give equal bytes.
 */
import {declareParams, described} from '../pipeline/params.js';
import {defineStage, many, optional} from '../pipeline/stage.js';
import {readCard, readRows} from './data/rows.js';
import {claimMistakes, type Claim} from './evaluation/claims.js';
import {followedMistakes, type FollowedTraining} from './evaluation/report/followed.js';

/** An input that takes any number of artifacts, and may be left out. */
const anyNumber = <const K extends string>(kind: K) => ({...many(kind), ...optional(kind)});

/**
 * Writes the report of a run, `report.md` and `report.json`, from scores, histories and cards: tables, curves, and the
 * paper's claims with their verdicts (DeepSeek-R1, arXiv 2501.12948, §3 and §4.1).
 */
export const report = defineStage({
  module: import.meta.url,
  name: 'report',
  summary: 'Tables, curves and claims with intervals, in Markdown and JSON',
  seedless: true,
  inputs: {
    scores: many('scores'),
    histories: many('history'),
    cards: many('dataset'),
    // Answers behind forced thinking, under the names of the models' scores.
    earlyAnswers: anyNumber('early-answers'),
    // Models that are among the scores, asked otherwise; in a table of their own.
    promptings: anyNumber('scores'),
  },
  outputs: {report: 'report'},
  ...declareParams({
    claims: described<readonly Claim[]>([], 'What is claimed, declared before the run.', {
      should: 'a list of claims (evaluation/claims.ts says what one is; TINY_CLAIMS of r1/recipes/tiny has examples)',
    }),
    remarks: described<readonly string[]>(
      [],
      'Sentences about these numbers that a reader should know, for the last section of the report.',
      {
        should: 'a list of sentences',
        isRight: (list) => Array.isArray(list) && list.every((text) => typeof text === 'string'),
      },
    ),
    paperNames: described<Readonly<Record<string, string>>>(
      {},
      'What the paper calls the models, by the names of their scores; a report that has any shows the paper’s tables, too.',
      {
        should: 'a record of texts by the name of the scores',
        isRight: (names) => Object.values(Object(names) as object).every((name: unknown) => typeof name === 'string'),
      },
    ),
    followed: described<readonly FollowedTraining[]>(
      [],
      'Trainings whose models of fixed steps are among the scores: they are drawn as curves, and left out of the tables.',
      {
        should:
          'a list of {node, base, snapshots: {step: name of scores}, beside?} (followTraining of r1/recipes/tiny makes one)',
      },
    ),
  }),
  check: ({params: {claims, followed}}) => [...claimMistakes(claims), ...followedMistakes(followed)],
  async run({inputs, outputs, params, progress, note}) {
    const [{buildReport, readEarlyAnswers, readEvaluation, writeReport}, {countsText}, {historyRow}] =
      await Promise.all([
        import('./evaluation/report/index.js'),
        import('./evaluation/index.js'),
        import('./data/schemas.js'),
      ]);
    const each = async <T>(
      folders: Readonly<Record<string, string>>,
      read: (folder: string) => Promise<T>,
    ): Promise<Record<string, T>> =>
      Object.fromEntries(
        await Promise.all(Object.entries(folders).map(async ([name, folder]) => [name, await read(folder)] as const)),
      );
    const evaluations = await each(inputs.scores, readEvaluation);
    const histories = await each(inputs.histories, async (folder) => ({
      rows: await readRows(folder, historyRow),
      card: (await readCard(folder)) ?? {},
    }));
    const cards = await each(inputs.cards, async (folder) => (await readCard(folder)) ?? {});
    const earlyAnswers = await each(inputs.earlyAnswers, readEarlyAnswers);
    const promptings = await each(inputs.promptings, readEvaluation);
    progress({step: 1, total: 2});
    const {claims, ...told} = params;
    const built = buildReport({evaluations, histories, cards, earlyAnswers, promptings, ...told}, claims);
    await writeReport(outputs.report, built);
    progress({step: 2, total: 2});
    if (built.claims.length > 0) note(`claims: ${countsText(built.claims)}`);
  },
});
