/**
 * A training whose optimizer steps are made by a trainer in another process: its history, its checkpoints, when it is stopped or
 * finished early, and the model that comes of it. What `train/training-loop.ts` is for r1's own engine, this is for others.
 *
 * The trainer's own state (weights, moments, random numbers) and what the stage remembers are in every checkpoint, so that a
 * training that was killed and resumed makes the same model as one that ran through.
 */
import {existsSync} from 'node:fs';
import {readFile, rename, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import type {InputPorts, OutputPorts, Params, StageContext} from '../../pipeline/stage.js';
import type {Compute} from '../train/compute.js';
import type {HistoryEntry, SideOutputs, TokenCounts} from '../train/training-loop.js';
import {runTrainer} from './trainer-process.js';
import type {Answers} from './trainer-server.js';

/** The format of `training.json` in a checkpoint, what stages remember included. */
const FORMAT = 1;
const STATE = 'training.json';
const TRAINER = 'trainer';
const SIDE_OUTPUTS = 'side-outputs';

/** What a stage has to say of a training. */
export interface OutsideTraining<Own> {
  readonly context: Pick<
    StageContext<InputPorts, OutputPorts, Params>,
    'checkpoints' | 'progress' | 'metric' | 'note' | 'finishEarly' | 'scratch' | 'threads' | 'seed'
  >;
  /** The interpreter, and what it runs. */
  readonly python: string;
  readonly program: URL;
  /** What the program is told beside what all of them are. */
  readonly spec: object;
  readonly ranks: number;
  /** Optimizer steps in all. */
  readonly steps: number;
  /** Checkpoints are of multiples of so many steps alone. */
  readonly boundary: number;
  readonly learningRate: number;
  /** Numbers of the model. */
  readonly parameters: number;
  /** What the stage remembers before the first step. */
  readonly start: Own;
  /**
   * What is measured at a step, in the order of the history, and what it adds to the tokens.
   * @param logged what the trainer logs, by its own names
   */
  measure(step: number, logged: Logged, training: Remembered<Own>): Record<string, number | null>;
  /** Measures that go into the history alone. */
  readonly isHistoryOnly?: (measure: string) => boolean;
  /** More that the trainer may ask. */
  readonly answers?: Answers;
  readonly sideOutputs?: SideOutputs;
}

/** What is remembered from step to step; in every checkpoint. */
export interface Remembered<Own> {
  own: Own;
  readonly tokens: TokenCounts;
}

/** What the trainer logs of a step: a number by each name, NaN and infinite ones among them. */
export type Logged = Readonly<Record<string, number>>;

/** What came of a training. */
export interface Trained<Own> {
  /** A folder with the model as the trainer saves it. */
  readonly model: string;
  readonly history: readonly HistoryEntry[];
  readonly step: number;
  readonly own: Own;
  /** What the card of the history says of the whole training; `plannedSteps` where it was finished early. */
  readonly summary: Compute & {readonly steps: number; readonly plannedSteps?: number};
}

/** `training.json` of a checkpoint. */
interface SavedTraining<Own> {
  readonly format: typeof FORMAT;
  readonly step: number;
  readonly history: HistoryEntry[];
  readonly tokens: TokenCounts;
  readonly own: Own;
}

/**
 * @throws {StageFailure} where the trainer fails, or the loss is not finite; {Stopped} once a stop was obeyed and a checkpoint is
 * written
 */
export async function trainOutside<Own>(options: OutsideTraining<Own>): Promise<Trained<Own>> {
  const {context, python, program, steps, boundary, learningRate, sideOutputs, ranks} = options;
  const {checkpoints, scratch, note, threads, seed, progress, metric} = context;
  const {latest} = checkpoints;
  const saved = latest === undefined ? undefined : await restore<Own>(latest);
  if (latest !== undefined) await sideOutputs?.restore(join(latest, SIDE_OUTPUTS));
  const history: HistoryEntry[] = saved?.history ?? [];
  const tokens: TokenCounts = saved?.tokens ?? {trained: 0, generated: 0, scored: 0};
  const training: Remembered<Own> = {own: saved === undefined ? options.start : saved.own, tokens};
  let reached = saved?.step ?? 0;
  let plannedSteps: number | undefined;
  let isDue = false;
  /** Kept until the trainer has ended: it has yet to be told. */
  let stopped: Stopped | undefined;

  const answers: Answers = {
    ...options.answers,
    step({step}: {step: number}) {
      reached = step;
      isDue = isDue || (step < steps && checkpoints.due(step));
      const isEnd = step < steps && context.finishEarly({step, total: steps});
      if (isEnd) {
        plannedSteps = steps;
        note(`finished early, after step ${step} of ${steps}, as asked`);
      }
      return {checkpoint: isDue && !isEnd && step % boundary === 0, end: isEnd};
    },
    logged({step, logs}: {step: number; logs: Readonly<Record<string, number | string>>}) {
      const logged = Object.fromEntries(Object.entries(logs).map(([name, value]) => [name, Number(value)]));
      const measured = options.measure(step, logged, training);
      const {loss} = measured;
      if (loss === undefined || loss === null || !Number.isFinite(loss))
        throw new StageFailure(
          `the loss is ${loss} at step ${step}; a lower learningRate than ${learningRate} may help`,
        );
      history.push({id: `step-${step}`, from: [], step, ...measured});
      for (const [name, value] of Object.entries(measured))
        if (value !== null && options.isHistoryOnly?.(name) !== true) metric(name, step, value);
      progress({step, total: steps, tokens: Math.round(tokens.trained + tokens.generated)});
      return {};
    },
    async checkpoint({step, folder}: {step: number; folder: string}) {
      isDue = false;
      try {
        await checkpoints.save(step, async (place) => {
          const state: SavedTraining<Own> = {format: FORMAT, step, history, tokens, own: training.own};
          await rename(folder, join(place, TRAINER));
          await writeFile(join(place, STATE), JSON.stringify(state));
          await sideOutputs?.keep(join(place, SIDE_OUTPUTS));
        });
        return {stop: false};
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        stopped = error;
        return {stop: true};
      }
    },
  };

  const model = join(scratch, 'model');
  await runTrainer({
    python,
    program,
    ranks,
    threads,
    scratch,
    answers,
    spec: {
      ...options.spec,
      ranks,
      threads,
      seed,
      steps,
      learningRate,
      model,
      work: join(scratch, 'work'),
      resume: latest === undefined ? null : join(latest, TRAINER),
    },
  });
  if (stopped !== undefined) throw stopped;
  if (!existsSync(model)) throw new StageFailure('the trainer has ended without a model');
  // What it logs is the only way to know of a loss that is not finite.
  if (history.length !== reached)
    throw new StageFailure(`the trainer has told of ${history.length} of the ${reached} steps that it has made`);
  return {
    model,
    history,
    step: reached,
    own: training.own,
    summary: {
      parameters: options.parameters,
      trainedTokens: Math.round(tokens.trained),
      generatedTokens: tokens.generated,
      scoredTokens: tokens.scored,
      steps: reached,
      ...(plannedSteps === undefined ? {} : {plannedSteps}),
    },
  };
}

async function restore<Own>(folder: string): Promise<SavedTraining<Own>> {
  const saved = JSON.parse(await readFile(join(folder, STATE), 'utf8')) as SavedTraining<Own>;
  const format: number = saved.format;
  if (format !== FORMAT)
    throw new StageFailure(
      `the checkpoint at step ${saved.step} holds training state of format ${format}, and this version of r1 resumes from ` +
        `format ${FORMAT} only; without --accept-checkpoint the stage starts afresh`,
    );
  return saved;
}
