/**
 * The report: stage table, curves, distillation table and claims as Markdown and JSON, from nothing but its inputs, so
 * equal inputs give equal bytes.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage, many} from '../pipeline/stage.js';
import {readCard, readRows} from './data/rows.js';
import {claimMistakes, type Claim} from './evaluation/claims.js';

/**
 * Writes the report of a run, `report.md` and `report.json`, from scores, histories and cards: tables, curves, and the
 * paper's claims with their verdicts (DeepSeek-R1, arXiv 2501.12948, §3 and §4.1).
 */
export const report = defineStage({
  module: import.meta.url,
  name: 'report',
  summary: 'Tables, curves and claims with intervals, in Markdown and JSON',
  seedless: true,
  inputs: {scores: many('scores'), histories: many('history'), cards: many('dataset')},
  outputs: {report: 'report'},
  ...declareParams({
    claims: described<readonly Claim[] | null>(
      null,
      'What is claimed, declared before the run; null for the paper’s claims as tiny has them.',
      {should: 'null, or a list of claims (stages/recipes/README.md)'},
    ),
    remarks: described<readonly string[]>(
      [],
      'Sentences about these numbers that a reader should know, for the last section of the report.',
      {
        should: 'a list of sentences',
        isRight: (list) => Array.isArray(list) && list.every((text) => typeof text === 'string'),
      },
    ),
  }),
  check: ({params: {claims}}) => (claims === null ? [] : claimMistakes(claims)),
  async run({inputs, outputs, params, progress, note}) {
    const [{buildReport, readEvaluation, writeReport}, {isMetric, metricsFor}, {historyRow}] = await Promise.all([
      import('./evaluation/report/index.js'),
      import('./evaluation/index.js'),
      import('./data/schemas.js'),
    ]);
    const unknown = params.claims?.find(({metric}) => !isMetric(metric));
    if (unknown !== undefined)
      throw new StageFailure(
        `claim “${unknown.id}” is about the metric “${unknown.metric}”, and there is none; there are ${metricsFor(16).join(', ')}`,
      );
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
    progress({step: 1, total: 2});
    const built = buildReport({evaluations, histories, cards, remarks: params.remarks}, params.claims ?? undefined);
    await writeReport(outputs.report, built);
    progress({step: 2, total: 2});
    const verdicts = built.claims.map(({verdict}) => verdict);
    const count = (wanted: string): number => verdicts.filter((verdict) => verdict === wanted).length;
    note(
      `claims: ${count('holds')} of ${verdicts.length} hold, not significant ${count('not significant')}, failing ${count('fails')}`,
    );
  },
});
