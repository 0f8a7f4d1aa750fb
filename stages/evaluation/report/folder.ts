/** Reads and writes reports as they lie in artifacts. */
import {existsSync} from 'node:fs';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';

import {z} from 'zod';

import {writeJson} from '../../data/rows.js';
import type {ClaimResult} from '../verdicts.js';
import type {Report, ScoreRow} from './build.js';
import {earlyFigure, earlyFigureName} from './early-figure.js';
import {figure} from './figure.js';
import {figuresOf} from './figures.js';
import {bounds, suiteCard} from './inputs.js';
import {renderMarkdown} from './markdown.js';
import type {Trend} from './progress.js';
import {parseWith} from './read-evaluation.js';

/** `report.md`, `report.json`, `claims.json`, `scores.json` and figures of each RL stage. Equal reports give equal bytes. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await mkdir(folder, {recursive: true});
  await writeFile(join(folder, 'report.md'), renderMarkdown(report));
  await writeJson(join(folder, 'report.json'), report);
  await writeJson(join(folder, 'claims.json'), report.claims);
  await writeJson(join(folder, 'scores.json'), report.scores);
  const trends = trendRows(report);
  if (trends.length > 0) await writeJson(join(folder, TRENDS), trends);
  for (const [node, summary] of Object.entries(report.earlyAnswers ?? {}))
    await writeFile(join(folder, earlyFigureName(node)), earlyFigure(node, summary));
  for (const {file, title, panels} of figuresOf(report)) await writeFile(join(folder, file), figure(title, panels));
}

/** The slopes of a report that follows trainings; there is no such file where it follows none. */
const TRENDS = 'trends.json';

/** The change of a metric over a training, per `TREND_STEPS` steps. */
export interface TrendRow extends Trend {
  readonly node: string;
}

const trendRows = ({progress = []}: Report): TrendRow[] =>
  progress.flatMap(({node, trends}) => trends.map((trend) => ({node, ...trend})));

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

const trendsFile = z.array(
  z.object({node: z.string(), metric: z.string(), ...interval, p: number, problems: z.number()}),
) satisfies z.ZodType<TrendRow[]>;

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

/** Empty of a report that follows no training. */
export const readTrends = async (folder: string): Promise<TrendRow[]> =>
  existsSync(join(folder, TRENDS))
    ? readWith(folder, TRENDS, (text, where) => parseWith(trendsFile, JSON.parse(text), where))
    : [];

async function readWith<T>(folder: string, name: string, parse: (text: string, where: string) => T): Promise<T> {
  const file = join(folder, name);
  return parse(await readFile(file, 'utf8'), file);
}
