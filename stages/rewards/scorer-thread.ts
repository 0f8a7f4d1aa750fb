/** The thread of scorer.ts: judges a batch item by item and says before each which one it is about to judge. */
import {parentPort, workerData} from 'node:worker_threads';

import {StageFailure} from '../../pipeline/stage.js';
import {tasksExtracting} from '../tasks/extracting.js';
import {asksDetector} from '../tasks/language.js';
import {taskOf} from '../tasks/task.js';
import {loadDetector} from '../text/detector.js';
import {frozen} from './freeze.js';
import {loadJudges} from './load-judges.js';
import type {Judges, scoreCompletion as ScoreCompletion} from './registry.js';
import {
  IDLE,
  ITEM,
  LOADING,
  NO_REWARD,
  REWARD,
  type Judged,
  type ScorerData,
  type ScorerItem,
} from './scorer-messages.js';

const {module, weights, refs, extraction = 'task', noWords, progress} = workerData as ScorerData;
const {scoreCompletion} = (await import(module)) as {scoreCompletion: typeof ScoreCompletion};
const loaded = await loadJudges(refs, (place) => void Atomics.store(progress, LOADING, place));
// One prompt is shared by the completions of its group, and a task by all: a reward that changed one would change what others see.
frozen([...loaded.tasks.values()]);
const judges: Judges = {
  tasks: tasksExtracting(loaded.tasks, extraction),
  rewards: loaded.rewards.map(({name, judge}, place) => ({
    name,
    judge(...about) {
      Atomics.store(progress, REWARD, place);
      const said = judge(...about);
      Atomics.store(progress, REWARD, NO_REWARD);
      return said;
    },
  })),
};
const port = parentPort;
if (port === null) throw new Error('Internal error: scorer-thread.js was started outside a thread');
const say = (judged: Judged | 'ready'): void => {
  port.postMessage(judged);
};

port.on('message', (items: readonly (readonly [number, ScorerItem])[]) => {
  void judgeAll(items);
});

async function judgeAll(items: readonly (readonly [number, ScorerItem])[]): Promise<void> {
  if (items.some(([, {prompt}]) => asksDetector(taskOf(judges.tasks, prompt), prompt))) await loadDetector();
  for (const [index, {prompt, completion, ...size}] of items) {
    Atomics.store(progress, REWARD, NO_REWARD);
    Atomics.store(progress, ITEM, index);
    try {
      const about = {...size, ...(noWords === undefined ? {} : {noWords})};
      say({index, scored: scoreCompletion(frozen(prompt), frozen(completion), weights, about, judges)});
    } catch (error) {
      say(
        error instanceof StageFailure
          ? {index, fault: error.message, file: error.file}
          : {index, error: error instanceof Error ? (error.stack ?? error.message) : String(error)},
      );
      return;
    }
  }
  Atomics.store(progress, ITEM, IDLE);
}
say('ready');
