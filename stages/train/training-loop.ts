/**
 * The loop of every training stage. It opens the engine, makes optimizer steps, reports them, writes checkpoints, starts from the
 * newest one, and frees the engine however the stage ends. What a step learns from, and when there are enough of them, is
 * decided by the stage.
 *
 * Everything that a later step depends on is in a checkpoint: the engine's weights, moments and update count, the history,
 * the token counts, and what the stage itself remembers. So a stage that was killed and resumed writes the same bytes as
 * one that ran through.
 */
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import type {InputPorts, OutputPorts, Params, StageContext} from '../../pipeline/stage.js';
import {closingAfter, type Closable} from './closing.js';
import type {Engine, EngineOptions, Programs} from '../engine/engine.js';
import {openEngine} from '../engine/engine.js';
import {restoreState, saveState} from '../engine/save-state.js';
import {countParameters} from '../model/parameters.js';
import type {Compute} from './compute.js';

/**
 * The format of `state.json` in a checkpoint, the stage's own part included. Raise it with every change of what is in there,
 * in this file or in a stage: a checkpoint of another format is refused, even where a person accepts other code.
 * 1 is the format of version 0.1, which had no number in it.
 */
const STATE_FORMAT = 4;

/** Numbers of a model from which on its opening is told step by step. */
const SAID_FROM = 20e6;

/** One optimizer step as the history keeps it: its number, counted from 1, and what was measured at it. */
export interface HistoryEntry {
  /** `step-20`. */
  readonly id: string;
  /** Ids of rows that it came from: none. */
  readonly from: readonly string[];
  readonly step: number;
  readonly [measure: string]: unknown;
}

/** Tokens so far, from which the compute of the stage follows. */
export interface TokenCounts {
  /** Tokens of the rows in optimizer steps, prompts included. */
  trained: number;
  /** Tokens that were sampled, end tokens included. */
  generated: number;
  /** Tokens that went through a forward pass alone. */
  scored: number;
}

/** What a stage says of an optimizer step that it made. */
export interface StepResult {
  /** For the history, in this order; null where a measure does not apply. */
  readonly measured: {readonly loss: number; readonly [measure: string]: number | null};
  /** Tokens of the rows of the step, prompts included. */
  readonly trainedTokens: number;
}

/** What is reported of steps, and when. */
export interface StepOptions {
  /** The measures that become points of curves; all of them unless given. */
  readonly metrics?: readonly string[];
  /** Steps between two reports of progress and metrics; the last step is always reported. 1 unless given. */
  readonly reportEvery?: number;
  /** Whether a checkpoint may be due after the last step too, because more than saving the model comes after it. */
  readonly checkpointAtEnd?: boolean;
  /** Whether a measure goes into the history alone and is not reported as a metric; without it, none does. */
  readonly isHistoryOnly?: (measure: string) => boolean;
  /** Called after each step, counted from 1, before a checkpoint of it. */
  readonly afterStep?: (step: number) => Promise<void>;
}

/** Files that a stage writes while it trains. Every checkpoint holds them, since they could not be made again later. */
export interface SideOutputs {
  /** Puts what has been written so far into a folder that does not exist yet. */
  keep(folder: string): Promise<void>;
  /** Takes it out again. The folder exists if something was put into it. */
  restore(folder: string): Promise<void>;
}

/** A training between two steps. */
export interface Training<P extends Programs, Own> {
  readonly engine: Engine<P>;
  /** Optimizer steps made so far, and so the number of the next one, counted from 0. */
  readonly step: number;
  readonly history: readonly HistoryEntry[];
  /** The loop counts what steps are trained on; a stage adds what it generates and scores beside them. */
  readonly tokens: TokenCounts;
  /**
   * What the stage itself remembers from step to step, as JSON. It is in every checkpoint. A step replaces it and changes
   * nothing in it: that it is another is how the loop knows of a step that was interrupted half-way.
   */
  own: Own;
  /** Whether a person has asked to end it here and keep what it is: `until` makes no more steps. */
  readonly isFinishedEarly: boolean;
  /**
   * Makes steps until there are `total` of them, or a person asks to finish early. A request to stop is obeyed before a step, and
   * within one between two micro-batches.
   * @param makeStep makes the step of this number, counted from 0; it may throw {Stopped} while weights, moments and counts are as
   * they were and `own` is such that the step can be made, or gone on with, from it
   * @throws {StageFailure} when a loss is not finite, {Stopped} when a stop was asked for and a checkpoint is written
   */
  until(
    total: number,
    options: StepOptions,
    makeStep: (step: number) => StepResult | Promise<StepResult>,
  ): Promise<void>;
  /**
   * Does what may give way to a stop while it has changed nothing: what was there before it is then kept in a checkpoint. The
   * steps of `until` are made so already.
   */
  keptOnStop<T>(work: () => T | Promise<T>): Promise<T>;
  /** Has something closed when the training is over, however it ends; what came last is closed first. */
  closeAtEnd(resource: Closable): void;
  /** What the card of the history says of the whole training; `plannedSteps` where it was finished early. */
  summary(): Compute & {readonly steps: number; readonly plannedSteps?: number};
}

/** What a training stage hands to the loop. */
export interface TrainingOptions<P extends Programs, Own> {
  readonly engine: EngineOptions<P>;
  readonly context: Pick<
    StageContext<InputPorts, OutputPorts, Params>,
    'checkpoints' | 'progress' | 'metric' | 'note' | 'finishEarly'
  >;
  /** The peak of the learning rate, for the message when training diverges. */
  readonly learningRate: number;
  /** The stage's own state before the first step. */
  readonly start: Own;
  readonly sideOutputs?: SideOutputs;
}

/**
 * Opens an engine, brings it to where the newest checkpoint left it, and frees it after `use`.
 * @throws {StageFailure} when the checkpoint is of another format; what `use` throws, else what could not be closed
 */
export async function withTraining<const P extends Programs, Own, T>(
  {engine: options, context, learningRate, start, sideOutputs}: TrainingOptions<P, Own>,
  use: (training: Training<P, Own>) => Promise<T>,
): Promise<T> {
  const {checkpoints, progress, metric, note} = context;
  const obeyStop = (): void => {
    if (checkpoints.isStopAsked()) throw new Stopped();
  };
  const parameters = countParameters(options.config);
  // A small model is there at once. A large one keeps still for so long that it would be taken for stuck.
  const said = parameters < SAID_FROM ? undefined : note;
  said?.(`opening a model of ${(parameters / 1e6).toFixed(1)} million numbers`);
  const engine = await openEngine({
    ...options,
    beforeMicroBatch: obeyStop,
    ...(said !== undefined && {compiling: (program) => said(`compiling “${program}”: its first call takes longest`)}),
  });
  const resources: Closable[] = [{close: () => engine.dispose()}];
  return closingAfter(resources, async () => {
    const before =
      checkpoints.latest === undefined ? undefined : await restore<Own>(engine, checkpoints.latest, sideOutputs);
    let step = before?.step ?? 0;
    const history = before?.history ?? [];
    /** Steps that there would have been, had nobody asked to finish early. */
    let plannedSteps: number | undefined;
    /** Of the newest checkpoint, or of the beginning. */
    let kept = {step, own: before === undefined ? start : before.own};
    /** What `own` was when the last step had been made, or before the first one. */
    let ownAtStep = before?.isWithinStep === true ? undefined : kept.own;
    const isWithinStep = (): boolean => training.own !== ownAtStep;
    const save = async (): Promise<void> => {
      const {tokens, own} = training;
      const within = isWithinStep();
      kept = {step, own};
      await checkpoints.save(step, async (folder) => {
        const saved: SavedState<Own> = {
          format: STATE_FORMAT,
          step,
          history,
          tokens,
          own,
          ...(within ? {isWithinStep: true} : {}),
        };
        await writeFile(join(folder, STATE), JSON.stringify(saved));
        await saveState(engine, join(folder, ENGINE_STATE));
        await sideOutputs?.keep(join(folder, SIDE_OUTPUTS));
      });
    };
    const training: Training<P, Own> = {
      engine,
      get step() {
        return step;
      },
      history,
      tokens: before?.tokens ?? {trained: 0, generated: 0, scored: 0},
      own: before === undefined ? start : before.own,
      get isFinishedEarly() {
        return plannedSteps !== undefined;
      },
      async keptOnStop(work) {
        try {
          return await work();
        } catch (error) {
          if (error instanceof Stopped && (kept.step !== step || kept.own !== training.own)) await save();
          throw error;
        }
      },
      async until(total, {metrics, reportEvery = 1, checkpointAtEnd = false, isHistoryOnly, afterStep}, makeStep) {
        while (step < total && plannedSteps === undefined) {
          await nextTurn(); // a request to stop gets through between two native calls
          // Where a step was interrupted, what has been made would depend on when that was.
          if (!isWithinStep() && context.finishEarly({step, total})) {
            plannedSteps = total;
            note(`finished early, after step ${step} of ${total}, as asked`);
            break;
          }
          const {measured, trainedTokens} = await training.keptOnStop(() => {
            obeyStop();
            return makeStep(step);
          });
          if (!Number.isFinite(measured.loss))
            throw new StageFailure(
              `the loss is ${measured.loss} at step ${step + 1}; a lower learningRate than ${learningRate} may help`,
            );
          step++;
          ownAtStep = training.own;
          training.tokens.trained += trainedTokens;
          history.push({id: `step-${step}`, from: [], step, ...measured});
          if (step % reportEvery === 0 || step === total) {
            progress({step, total, tokens: training.tokens.trained + training.tokens.generated});
            for (const name of metrics ?? Object.keys(measured)) {
              const value = measured[name];
              if (value !== undefined && value !== null && isHistoryOnly?.(name) !== true) metric(name, step, value);
            }
          }
          await afterStep?.(step);
          if ((step < total || checkpointAtEnd) && checkpoints.due(step)) await save();
        }
      },
      closeAtEnd: (resource) => void resources.push(resource),
      summary: () => ({
        parameters: countParameters(engine.config),
        trainedTokens: training.tokens.trained,
        generatedTokens: training.tokens.generated,
        scoredTokens: training.tokens.scored,
        steps: step,
        ...(plannedSteps === undefined ? {} : {plannedSteps}),
      }),
    };
    return use(training);
  });
}

/** How many tokens the rows of a step have. */
export const countTokens = (rows: readonly {readonly tokens: ArrayLike<unknown>}[]): number =>
  rows.reduce((sum, {tokens}) => sum + tokens.length, 0);

const STATE = 'state.json';
const ENGINE_STATE = 'state.safetensors';
/** A folder of its own; absent where a stage has written nothing beside its state. */
const SIDE_OUTPUTS = 'side-outputs';

/** `state.json` of a checkpoint. Its bytes are known to be the ones that were written, so the format says all of its shape. */
interface SavedState<Own> {
  readonly format: typeof STATE_FORMAT;
  readonly step: number;
  readonly history: HistoryEntry[];
  readonly tokens: TokenCounts;
  readonly own: Own;
  /** Set where a step had begun, so that `own` is not what it is between two steps. */
  readonly isWithinStep?: true;
}

async function restore<Own>(
  engine: Engine<Programs>,
  folder: string,
  sideOutputs: SideOutputs | undefined,
): Promise<SavedState<Own>> {
  const saved = JSON.parse(await readFile(join(folder, STATE), 'utf8')) as SavedState<Own>;
  const format: number = 'format' in saved ? saved.format : 1;
  if (format !== STATE_FORMAT)
    throw new StageFailure(
      `the checkpoint at step ${saved.step} holds training state of format ${format}, and this version of r1 resumes from ` +
        `format ${STATE_FORMAT} only; without --accept-checkpoint the stage starts afresh`,
    );
  await restoreState(engine, join(folder, ENGINE_STATE));
  await sideOutputs?.restore(join(folder, SIDE_OUTPUTS));
  return saved;
}
