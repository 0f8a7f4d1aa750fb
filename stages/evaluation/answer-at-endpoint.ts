/** Answers to a prompt file by a model at an endpoint, scored as the evaluate stage does: a library for the command line. */
import {Stopped} from '../../pipeline/stage.js';
import {openAnswering, type Asking} from '../endpoint/answer-prompts.js';
import type {AnsweringOptions} from '../endpoint/answer-prompts.js';
import type {Served, Usage} from '../endpoint/served.js';
import type {Server} from '../endpoint/server.js';
import {checkReferences, prepareGraders} from '../graders/registry.js';
import type {GradingSettings} from '../graders/settings.js';
import {builtInTasks} from '../tasks/built-in.js';
import type {Prompt} from '../tasks/prompt.js';
import {judgeRollouts, outcomeCounts, scoreSamples} from './index.js';
import type {Sample, Score} from './index.js';

export interface AnsweredAtEndpoint {
  readonly samples: Sample[];
  /** How each of the samples came about. */
  readonly served: readonly Served['served'][];
  readonly scores: Score[];
  readonly usage: Usage;
}

/**
 * Asks for answers and scores them.
 *
 * @throws {StageFailure} where the server cannot be asked or a grader is missing; the reason of the signal once it is aborted
 */
export async function answerAtEndpoint(
  server: Server,
  prompts: readonly Prompt[],
  {
    asking,
    grading: settings,
    cores,
    ...options
  }: AnsweringOptions & {
    readonly asking: Asking;
    readonly grading: GradingSettings;
    /** That graders may keep busy. */
    readonly cores: number;
  },
): Promise<AnsweredAtEndpoint> {
  const {signal, note} = options;
  const grading = {...settings, cores, note};
  await prepareGraders(prompts, grading);
  await checkReferences(prompts, grading);
  try {
    const answering = await openAnswering(server, options);
    const {groups, usage} = await answering.answer(prompts, asking).finally(() => answering.close());
    const given = groups.flat();
    const samples = await judgeRollouts(given, {
      ...{tasks: builtInTasks, signal, stopAfterMs: 0, grading: settings, cores, note},
    });
    const counted = outcomeCounts(samples, settings.extraction);
    if (counted !== undefined) note(counted);
    const scores = scoreSamples(samples, {k: asking.samples});
    return {samples, served: given.map(({served}) => served), scores, usage};
  } catch (error) {
    throw error instanceof Stopped && signal?.aborted === true ? signal.reason : error;
  }
}
