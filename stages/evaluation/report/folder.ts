/** Reads and writes reports as they lie in artifacts. */
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';

import {z} from 'zod';

import {writeJson} from '../../data/rows.js';
import type {ClaimResult} from '../verdicts.js';
import type {Report, ScoreRow} from './build.js';
import {earlyFigure, earlyFigureName} from './early-figure.js';
import {figure} from './figure.js';
import {bounds, suiteCard} from './inputs.js';
import {figureName, renderMarkdown} from './markdown.js';
import {parseWith} from './read-evaluation.js';

/** `report.md`, `report.json`, `claims.json`, `scores.json` and a figure for each RL stage. Equal reports give equal bytes. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await mkdir(folder, {recursive: true});
  await writeFile(join(folder, 'report.md'), renderMarkdown(report));
  await writeJson(join(folder, 'report.json'), report);
  await writeJson(join(folder, 'claims.json'), report.claims);
  await writeJson(join(folder, 'scores.json'), report.scores);
  for (const [node, summary] of Object.entries(report.earlyAnswers ?? {}))
    await writeFile(join(folder, earlyFigureName(node)), earlyFigure(node, summary));
  for (const {node, curves} of report.curves) {
    const {accuracy, length} = curves;
    if (accuracy === undefined || length === undefined) continue;
    const panels = [
      {title: 'accuracy', curve: accuracy, from: 0, to: 1},
      {title: 'length, tokens', curve: length},
    ];
    await writeFile(join(folder, figureName(node)), figure(`${node}: accuracy and length over training`, panels));
  }
}

/** A number that JSON cannot hold is null in it. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);
const interval = {value: number, ...bounds};
const claimsFile = z.array(
  z.looseObject({
    claim: z.string(),
    ...interval,
    verdict: z.enum(['holds', 'not significant', 'fails', 'not judged']),
    text: z.string(),
    paper: z.string(),
    metric: z.string(),
    statistic: z.enum(['difference', 'ratio', 'level']),
    left: z.string(),
    right: z.string().nullable(),
    templates: z.array(z.string()),
    asked: z.array(z.string()).optional(),
    direction: z.enum(['above', 'below']),
    threshold: z.number(),
    p: number,
    adjusted: number,
    problems: z.number(),
    unmet: z.array(z.string()).optional(),
  }),
) satisfies z.ZodType<ClaimResult[]>;

const scoreRows = z.array(
  z.object({
    node: z.string(),
    model: z.string(),
    paper: z.string().optional(),
    asked: z.string().optional(),
    metric: z.string(),
    mean: z.number(),
    ...bounds,
    problems: z.number(),
    samples: z.number(),
    suite: suiteCard.optional(),
  }),
) satisfies z.ZodType<ScoreRow[]>;

/** The rows of a report's `claims.json`, from its text. `where` names it in a `StageFailure`. */
export const parseClaims = (text: string, where: string): ClaimResult[] =>
  parseWith(claimsFile, JSON.parse(text), where);

/** The rows of a report's `scores.json`, from its text. */
export const parseScores = (text: string, where: string): ScoreRow[] => parseWith(scoreRows, JSON.parse(text), where);

export const readClaims = async (folder: string): Promise<ClaimResult[]> =>
  readWith(folder, 'claims.json', parseClaims);
export const readScores = async (folder: string): Promise<ScoreRow[]> => readWith(folder, 'scores.json', parseScores);

async function readWith<T>(folder: string, name: string, parse: (text: string, where: string) => T): Promise<T> {
  const file = join(folder, name);
  return parse(await readFile(file, 'utf8'), file);
}
