/**
 * The report: a function of the scores of all models, the curves of training and the data cards. What it shows and how
 * claims are judged is in evaluation/.
 */
import {defineStage, many} from '../pipeline/stage.js';
import {historyRow, readCard, readRows} from './rows.js';

export const report = defineStage({
  module: import.meta.url,
  name: 'report',
  summary: 'Stage table, curves, distillation table and claims, as Markdown and JSON',
  // The bootstrap has a seed of its own, so the report depends on its inputs alone.
  seedless: true,
  inputs: {scores: many('scores'), histories: many('history'), cards: many('dataset')},
  outputs: {report: 'report'},
  params: {bootstrapSeed: 20260104},
  async run({inputs, outputs, params, note}) {
    const {buildReport, readEvaluation, writeReport} = await import('./evaluation/report/index.js');
    const each = async <T>(folders: Readonly<Record<string, string>>, read: (folder: string) => Promise<T>) =>
      Object.fromEntries(
        await Promise.all(Object.entries(folders).map(async ([name, folder]) => [name, await read(folder)] as const)),
      );
    const built = buildReport({
      evaluations: await each(inputs.scores, readEvaluation),
      histories: await each(inputs.histories, async (folder) => ({
        rows: await readRows(folder, historyRow),
        card: (await readCard(folder)) ?? {},
      })),
      cards: await each(inputs.cards, async (folder) => (await readCard(folder)) ?? {}),
      seed: params.bootstrapSeed,
    });
    await writeReport(outputs.report, built);
    const count = (verdict: string): number => built.claims.filter((claim) => claim.verdict === verdict).length;
    note(`${count('holds')} claims hold, ${count('not significant')} are not significant, ${count('fails')} fail`);
  },
});
