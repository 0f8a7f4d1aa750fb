/** Reads evaluations as they lie in artifacts. Apart from what writes reports, so that this is no code of stages that read scores. */
import {join} from 'node:path';
import type {z} from 'zod';
import {StageFailure} from '../../../pipeline/stage.js';
import {readJson, readRowsOf, type NamedFile} from '../../data/rows.js';
import {sampleRow, scoresFile, type Evaluated} from './inputs.js';

/** An evaluation's `scores.json` and the verdicts on its samples. Throws `StageFailure` naming the file that is not one. */
export async function readEvaluation(folder: string): Promise<Evaluated> {
  const [scores, rows] = ['scores.json', 'rows.jsonl'].map((name) => join(folder, name)) as [string, string];
  return readEvaluationFiles({file: scores, name: scores}, {file: rows, name: rows});
}

/** The same of files that lie anywhere. */
export async function readEvaluationFiles(scores: NamedFile, rows: NamedFile): Promise<Evaluated> {
  return {...(await readScoresFile(scores)), samples: await readRowsOf(rows, sampleRow)};
}

/** `scores.json` of an evaluation, without the samples. Throws `StageFailure` where it is none. */
export async function readScoresFile({file, name}: NamedFile): Promise<Omit<Evaluated, 'samples'>> {
  const {format: _, ...scores} = parseWith(scoresFile, await readJson(file, name), name);
  return scores;
}

/** What a schema makes of a value. @throws {StageFailure} naming `where` and the field that is not what it should be */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new StageFailure(`${where}: “${issue?.path.join('.') ?? ''}”: ${issue?.message ?? 'is not what it should be'}`);
}
