/** Answers that the thread cannot judge: which grader is asked, when it is opened, and what its verdict changes. */
import {Stopped} from '../../pipeline/stage.js';
import type {Grader, GraderOptions, OpenGrader} from '../graders/grader.js';
import {openGrader} from '../graders/registry.js';
import type {Verdict} from '../graders/verdict.js';
import type {External} from '../tasks/task.js';
import {closingAfter} from '../train/closing.js';
import type {RewardWeights} from './names.js';
import {totalOf, type Scored, type ScoredByRules} from './registry.js';
import type {ScorerItem} from './scorer-messages.js';

/** When a stop is asked for, a batch that is nearly graded is worth waiting for; ms. */
const STOP_AFTER = 500;

export interface ExternalGraders {
  /**
   * What the rules said of the items, each completed by a grader's verdict where one has to be asked.
   *
   * @throws {StageFailure} where a grader cannot work; {Stopped} where a stop is asked for and the batch is not graded soon
   */
  complete(items: readonly ScorerItem[], ruled: readonly ScoredByRules[]): Promise<Scored[]>;
  close(): Promise<void>;
}

/** Opens nothing yet: a grader is opened when the first answer of its kind comes. */
export function externalGraders({
  weights,
  signal,
  open = openGrader,
  ...options
}: GraderOptions & {
  readonly weights: RewardWeights;
  readonly signal?: AbortSignal | undefined;
  readonly open?: OpenGrader | undefined;
}): ExternalGraders {
  const graders = new Map<External, Grader>();
  const late = new Map<External, number>();
  const graderOf = async (kind: External): Promise<Grader> => {
    const grader = graders.get(kind) ?? (await open(kind, options));
    graders.set(kind, grader);
    return grader;
  };
  /** The first is told of at once, with what there is to know of it; the others are counted. */
  const countLate = (kind: External, {outcome, why}: Verdict, {prompt: {id}}: ScorerItem): void => {
    if (outcome !== 'timed-out') return;
    const count = (late.get(kind) ?? 0) + 1;
    late.set(kind, count);
    if (count > 1) return;
    const words = why === undefined ? '' : ` (${why})`;
    options.note(`an answer to prompt ${id} was not graded in time${words}; it earns 0 as “timed-out”`);
  };
  return {
    async complete(items, ruled) {
      const scored: Scored[] = ruled.map(({ask: _, ...rest}) => rest);
      const kinds = new Set(ruled.flatMap(({ask}) => (ask === undefined ? [] : [ask.kind])));
      for (const kind of kinds) {
        const asked = ruled.flatMap(({ask}, index) => (ask?.kind === kind ? [{index, ...ask}] : []));
        const requests = asked.map(({index, given, reference}) => {
          const {prompt, completion} = items[index]!;
          return {prompt, completion, given, reference};
        });
        const verdicts = await untilStopped(signal, async (given) => (await graderOf(kind)).grade(requests, given));
        asked.forEach(({index}, place) => {
          const {read, ...accuracy} = verdicts[place]!;
          countLate(kind, accuracy, items[index]!);
          const all = {...scored[index]!.verdicts, accuracy};
          const votes = read === undefined ? {} : {answer: read};
          scored[index] = {...scored[index]!, ...votes, verdicts: all, total: totalOf(all, weights)};
        });
      }
      return scored;
    },
    async close() {
      await closingAfter([...graders.values()], () => {
        for (const [kind, count] of late)
          if (count > 1) options.note(`${count} answers were not graded in time (${kind})`);
      });
    },
  };
}

/**
 * Waits for a batch, but not for long once a stop is asked for: `grade` is told by its signal, and is left to itself where it does
 * not listen.
 */
async function untilStopped<T>(
  signal: AbortSignal | undefined,
  grade: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const enough = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let give: ((reason: Stopped) => void) | undefined;
  const stopped = new Promise<never>((_, reject) => (give = reject));
  const onAbort = (): void => {
    timer = setTimeout(() => {
      enough.abort();
      give?.(new Stopped());
    }, STOP_AFTER);
  };
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort);
  try {
    return await Promise.race([grade(enough.signal), stopped]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
