/** The work of `import-dataset`: one reading of the file with its rows set aside on the disk, and one look at them for what goes where. */
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {StageFailure} from '../../../pipeline/stage.js';
import {questionHash} from '../../tasks/splits.js';
import type {Language} from '../../text/language.js';
import {readRows, writeJson, writeRows} from '../rows.js';
import {promptRow} from '../schemas.js';
import type {SampleRow} from '../schemas.js';
import {Findings} from './findings.js';
import type {Columns, Format, Measure} from './params.js';
import {Protected, readBenchmarks} from './protected.js';
import {findingNotes, progressOf, reasonsOf} from './reporting.js';
import type {Rule} from './reporting.js';
import {sampleRows} from './sample-rows.js';
import {openSpool} from './spool.js';
import {Survey} from './survey.js';
import {Tally} from './tally.js';

export interface SampleParams {
  readonly format: Format;
  readonly files: string;
  readonly columns: Columns;
  readonly benchmarkColumns: Columns;
  readonly language: Language | null;
  readonly unusable: 'refuse' | 'drop';
  readonly turns: 'unusable' | 'first' | 'last';
  readonly system: 'unusable' | 'leave-out' | 'prepend';
  readonly duplicates: Measure;
  readonly overlap: Measure | 'off';
}

interface Context {
  readonly inputs: {readonly benchmarks: string | undefined; readonly heldOut: string | undefined};
  readonly outputs: {readonly dataset: string; readonly card: string};
  readonly params: SampleParams;
  readonly scratch: string;
  readonly signal: AbortSignal;
  progress(at: {readonly step: number; readonly total: number}): void;
  note(text: string): void;
}

/** @throws {StageFailure} a row is not what it should be, rows are refused by a param, or none is left */
export async function importSamples(path: string, context: Context): Promise<void> {
  const {params, outputs, inputs, note} = context;
  const onRead = progressOf(context);
  const tally = new Tally();
  const survey = new Survey();
  const spool = openSpool<SampleRow>(join(context.scratch, 'rows.jsonl'));
  for await (const sample of sampleRows(path, path, {...params, onRead}, tally)) {
    const {question, response} = sample;
    survey.add({question, hash: questionHash(question), answer: response});
    await spool.add(sample);
  }
  await spool.close();

  const looks = params.overlap !== 'off';
  const benchmarks =
    inputs.benchmarks === undefined || !looks
      ? undefined
      : await readBenchmarks(inputs.benchmarks, params.benchmarkColumns, () => onRead(0, 0));
  const heldOut = new Protected();
  if (inputs.heldOut !== undefined && looks)
    for (const {question} of await readRows(inputs.heldOut, promptRow)) heldOut.add(question);

  const findings = new Findings();
  await mkdir(outputs.dataset, {recursive: true});
  const dataset = openSpool<SampleRow>(join(outputs.dataset, 'rows.jsonl'));
  let [row, kept] = [0, 0];
  for await (const sample of spool.rows()) {
    const found = [
      ...(survey.duplicateOf(row) === undefined ? [] : ['duplicate']),
      ...(heldOut.touches(sample) ? ['overlapHeldOut'] : []),
      ...(benchmarks?.touches(sample) === true ? ['overlapBenchmarks'] : []),
    ];
    for (const finding of found) findings.add(finding, sample);
    row += 1;
    if (rulesOf(params).some(({finding, measure}) => measure === 'drop' && found.includes(finding))) continue;
    kept += 1;
    await dataset.add(sample);
  }
  await dataset.close();

  const notes = findingNotes(rulesOf(params), findings, path);
  if (kept === 0)
    throw new StageFailure(
      `${path}: none of its ${tally.rows} rows is left; unusable: ${reasonsOf(tally)}; ${notes.join('; ')}`,
    );
  const card = {
    rows: tally.rows,
    kept,
    unusable: tally.unusable,
    findings: findings.counts,
    ...(benchmarks === undefined ? {} : {benchmarkQuestions: benchmarks.count}),
    columns: tally.columnsCard(),
    languages: tally.languages,
  };
  await writeJson(join(outputs.dataset, 'card.json'), card);
  await writeRows(outputs.card, findings.rows, card);
  note(`${kept} of ${tally.rows} rows`);
  for (const one of [...tally.notes(), ...notes]) note(one);
}

const rulesOf = ({duplicates, overlap}: SampleParams): readonly Rule[] => [
  {
    finding: 'duplicate',
    param: 'duplicates',
    measure: duplicates,
    said: [
      'row repeats the question and the response of an earlier one',
      'rows repeat the question and the response of an earlier one',
    ],
  },
  {
    finding: 'overlapHeldOut',
    param: 'overlap',
    measure: overlap,
    said: [
      'row has a held-out question, or shares a run of words with one',
      'rows have a held-out question, or share a run of words with one',
    ],
  },
  {
    finding: 'overlapBenchmarks',
    param: 'overlap',
    measure: overlap,
    said: [
      'row has a question of a benchmark, or shares a run of words with one',
      'rows have a question of a benchmark, or share a run of words with one',
    ],
  },
];
