/** What a suite is going to take of memory where a model of this machine answers it. */
import {readdir, stat} from 'node:fs/promises';
import {join} from 'node:path';
import type {MemoryNeed} from '../../pipeline/stage.js';
import {longestOf} from '../data/longest.js';
import type {Format} from '../data/import/params.js';
import {measureTexts, type Measured} from '../memory/lengths.js';
import {told, type Need} from '../memory/need.js';
import {memoryOf, processMemory} from '../memory/parts.js';
import {samplerNeed} from '../memory/sampling.js';
import {readConfig} from '../model/hf-folder/index.js';
import {lengthBuckets} from '../train/length-buckets.js';
import {wordsAround} from '../text/wording.js';
import {chunkFor} from './ask.js';
import {longestShot, readProblems, type SuiteFiles} from './problems.js';
import {readers} from './readers/index.js';
import type {Suite} from './suite.js';

/** Files of more bytes than this are not read before their turn. */
const READ_BEFORE = 64 * 2 ** 20;

/** What is known before a suite is asked. */
export interface SuiteMachine {
  /** A folder; none where a model at an endpoint answers. */
  readonly model: string | undefined;
  readonly suite: Suite;
  readonly files: SuiteFiles;
  /** What is chosen in the place of what the suite says. */
  readonly asking: {readonly samples?: number; readonly maxNewTokens?: number};
  readonly limit: number | undefined;
  readonly format?: Format | undefined;
  readonly seed: number;
  readonly threads: number;
  readonly cores: number;
}

/**
 * Of the model that answers, at the most. A judge and programs in a sandbox, which have processes of their own, are not counted. Prompts of
 * large files, and of those that are prepared in a sandbox first, count as long as the model can take them.
 *
 * @throws {StageFailure} where a file is not what the suite wants
 */
export async function suiteNeed({model, suite, files, threads, cores, ...chosen}: SuiteMachine): Promise<MemoryNeed> {
  if (model === undefined) return told({values: {}, parts: () => [processMemory()]});
  const config = await readConfig(model);
  const {samples, maxNewTokens, template} = {...suite.ask, ...chosen.asking};
  const needWith = ({tokens, rows, isCounted}: Measured): Need => {
    const longest = Math.max(1, Math.min(tokens, config.maxPositions - 1));
    const room = config.maxPositions - (isCounted ? longest : 1);
    const sampling = {
      prompts: chunkFor(rows, samples),
      group: samples,
      promptLengths: lengthBuckets([longest]),
      maxNewTokens: Math.max(1, Math.min(maxNewTokens, room)),
    };
    return samplerNeed({config, sampling, groups: rows, hasOwnChunk: true, threads, cores});
  };
  const texts = await textsOf(suite, files, chosen);
  if (texts === undefined) {
    const rows = chosen.limit ?? suite.data.problems ?? Number.MAX_SAFE_INTEGER;
    return told(needWith({tokens: config.maxPositions, rows, isCounted: false}));
  }
  const {questions, shots} = texts;
  const longest = longestOf(
    questions.map((question) => ({question, rest: shots + wordsAround({...suite.ask, shots: []})})),
  );
  const measured = await measureTexts({rows: questions.length, longest, tokenizer: model, template}, (one) => {
    const {values, parts} = needWith(one);
    return memoryOf(parts(values));
  });
  return told(needWith(measured));
}

/** The prompts without their solved examples, and the longest examples; undefined where that would take long. */
async function textsOf(
  suite: Suite,
  files: SuiteFiles,
  {limit, format, seed}: Pick<SuiteMachine, 'limit' | 'format' | 'seed'>,
): Promise<{readonly questions: readonly string[]; readonly shots: string} | undefined> {
  if (readers[suite.data.reader].prepare !== undefined) return undefined;
  const wanted = [...(files.questions ?? []), ...(files.shots ?? [])];
  const sizes = await Promise.all(wanted.map(({path}) => sizeOf(path)));
  if (sizes.reduce((sum, size) => sum + size, 0) > READ_BEFORE) return undefined;
  const shot = await longestShot(suite, files);
  // Which of them is shown where is drawn anew for each problem, and takes its time.
  const bare = {...suite, ask: {...suite.ask, shots: 0}};
  const {prompts} = await readProblems(bare, files, {limit, format, seed, note: () => undefined});
  return {questions: prompts.map(({question}) => question), shots: `${shot}\n`.repeat(suite.ask.shots)};
}

/** Bytes of a file, or of all that lies in a folder. */
async function sizeOf(path: string): Promise<number> {
  const entry = await stat(path);
  if (!entry.isDirectory()) return entry.size;
  const sizes = await Promise.all((await readdir(path)).map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
