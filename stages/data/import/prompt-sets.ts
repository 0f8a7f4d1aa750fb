/**
 * The work of `import-prompts`: one reading of the file, with its rows set aside on the disk, then one look at them for what the
 * sides are, and one for what goes where.
 */
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {StageFailure} from '../../../pipeline/stage.js';
import type {Language} from '../../text/language.js';
import type {Prompt} from '../../tasks/prompt.js';
import {splitOf} from '../../tasks/splits.js';
import type {Split} from '../../tasks/splits.js';
import {writeJson, writeRows} from '../rows.js';
import {Findings} from './findings.js';
import type {Answers, Columns, Format, Measure} from './params.js';
import {compared, formulaNotes, repeats} from './prompt-findings.js';
import {promptRows} from './prompt-rows.js';
import {askedText, Protected, readBenchmarks} from './protected.js';
import {findingNotes, progressOf, reasonsOf} from './reporting.js';
import type {Rule} from './reporting.js';
import {openSpool} from './spool.js';
import type {Spool} from './spool.js';
import {Survey} from './survey.js';
import {Tally} from './tally.js';

export interface ImportParams {
  readonly format: Format;
  readonly files: string;
  readonly columns: Columns;
  readonly benchmarkColumns: Columns;
  readonly answers: Answers;
  readonly language: Language | null;
  readonly unusable: 'refuse' | 'drop';
  readonly duplicates: Measure;
  readonly contradictions: Measure;
  readonly overlap: Measure | 'off';
}

const SIDES = ['train', 'validation', 'heldOut'] as const;
type Side = (typeof SIDES)[number];
const SPLITS: Readonly<Record<Side, Split>> = {train: 'train', validation: 'validation', heldOut: 'held-out'};
const sideOf = (key: string): Side => SIDES.find((side) => SPLITS[side] === splitOf(key))!;

interface Context {
  readonly inputs: {readonly benchmarks: string | undefined};
  readonly outputs: Readonly<Record<Side | 'card', string>>;
  readonly params: ImportParams;
  readonly scratch: string;
  readonly signal: AbortSignal;
  progress(at: {readonly step: number; readonly total: number}): void;
  note(text: string): void;
}

/** @throws {StageFailure} a row is not what it should be, rows are refused by a param, or a side is empty */
export async function importPromptSets(path: string, context: Context): Promise<void> {
  const {params, outputs, inputs, note} = context;
  const onRead = progressOf(context);
  const tally = new Tally();
  const survey = new Survey();
  const spool = openSpool<Prompt>(join(context.scratch, 'rows.jsonl'));
  for await (const {prompt, group, hash} of promptRows(path, path, {...params, onRead}, tally)) {
    survey.add({question: prompt.question, hash, answer: compared(prompt), group});
    await spool.add(prompt);
  }
  await spool.close();
  if (survey.rows === 0)
    throw new StageFailure(`${path}: none of its ${tally.rows} rows can be used: ${reasonsOf(tally)}`);

  // What must not be trained on: the other sides, and benchmarks.
  const keyOf = (row: number): string => `imported:${survey.families.of(row)}`;
  const heldOut = new Protected();
  if (params.overlap !== 'off') {
    let row = 0;
    for await (const prompt of spool.rows()) if (sideOf(keyOf(row++)) !== 'train') heldOut.add(askedText(prompt));
  }
  const benchmarks =
    inputs.benchmarks === undefined || params.overlap === 'off'
      ? undefined
      : await readBenchmarks(inputs.benchmarks, params.benchmarkColumns, () => onRead(0, 0));

  const findings = new Findings();
  const written = await writeSides(spool, outputs, (prompt, row) => {
    const placed = {...prompt, key: keyOf(row)};
    const side = sideOf(placed.key);
    const found = (finding: string, other?: string): string => {
      findings.add(finding, placed, other);
      return finding;
    };
    const of = [
      survey.duplicateOf(row) === undefined ? '' : found('duplicate'),
      survey.contradicts(row) ? found('contradiction') : '',
      side === 'train' && heldOut.touches({question: askedText(prompt)}) ? found('overlapHeldOut') : '',
      side === 'train' && benchmarks?.touches({question: askedText(prompt)}) === true ? found('overlapBenchmarks') : '',
    ];
    return {
      placed,
      side,
      keep: !rulesOf(params).some(({finding, measure}) => measure === 'drop' && of.includes(finding)),
    };
  });

  const notes = findingNotes(rulesOf(params), findings, path);
  for (const side of SIDES) {
    if (written[side] === 0)
      throw new StageFailure(
        `${path}: none of its ${survey.rows} questions falls on the ${SPLITS[side]} side; more questions are needed ` +
          `(rows that ask one question, or are of one group, count once: there are ${survey.families.count})`,
      );
    await writeJson(join(outputs[side], 'card.json'), {rows: written[side]});
  }
  const card = {
    rows: tally.rows,
    unusable: tally.unusable,
    sides: Object.fromEntries(SIDES.map((side) => [SPLITS[side], written[side]])),
    families: survey.families.count,
    findings: findings.counts,
    ...(benchmarks === undefined ? {} : {benchmarkQuestions: benchmarks.count}),
    dropped: survey.rows - SIDES.reduce((sum, side) => sum + written[side], 0),
    columns: tally.columnsCard(),
    answers: tally.tasks,
    formulas: tally.formulas,
    languages: tally.languages,
  };
  await writeRows(outputs.card, findings.rows, card);
  note(SIDES.map((side) => `${written[side]} ${SPLITS[side]}`).join(', '));
  for (const one of [...tally.notes(), ...formulaNotes(tally), ...notes]) note(one);
}

const rulesOf = ({duplicates, contradictions, overlap}: ImportParams): readonly Rule[] => [
  ...repeats({duplicates, contradictions}),
  {
    finding: 'overlapHeldOut',
    param: 'overlap',
    measure: overlap,
    said: [
      'training question shares a run of words with a held-out or validation question',
      'training questions share a run of words with a held-out or validation question',
    ],
  },
  {
    finding: 'overlapBenchmarks',
    param: 'overlap',
    measure: overlap,
    said: [
      'training question is one of a benchmark, or shares a run of words with one',
      'training questions are those of a benchmark, or share a run of words with one',
    ],
  },
];

interface Placed {
  readonly placed: Prompt;
  readonly side: Side;
  readonly keep: boolean;
}

/** Rows to each side, in the order of the file. */
async function writeSides(
  spool: Spool<Prompt>,
  outputs: Context['outputs'],
  decide: (prompt: Prompt, row: number) => Placed,
): Promise<Record<Side, number>> {
  const written = {train: 0, validation: 0, heldOut: 0};
  for (const side of SIDES) await mkdir(outputs[side], {recursive: true});
  const files = Object.fromEntries(
    SIDES.map((side) => [side, openSpool<Prompt>(join(outputs[side], 'rows.jsonl'))]),
  ) as Record<Side, Spool<Prompt>>;
  let row = 0;
  for await (const prompt of spool.rows()) {
    const {placed, side, keep} = decide(prompt, row++);
    if (!keep) continue;
    written[side] += 1;
    await files[side].add(placed);
  }
  for (const side of SIDES) await files[side].close();
  return written;
}
