/** What training stages are tried on: a model of a few thousand parameters, and made-up data that it learns quickly. */
import {pretrain} from '../../stages/index.js';
import {writeRows} from '../../stages/data/rows.js';
import {generalRows} from '../../stages/tasks/general-rows.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {dialsPrompts, generalPrompts} from '../../stages/tasks/prompt-sets.js';
import {renderPrompt} from '../../stages/text/templates.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {make} from './stagejob.js';

const ANSWER = '5 4';
/** A model that has read these answers well formed half of the time, so that groups have a spread of rewards. */
const RESPONSES = [
  `<think> left 3 + 2 = 5 </think> <answer> ${ANSWER} </answer>`,
  `left 3 + 2 = 5 <answer> ${ANSWER} </answer>`,
];

/** Params of its pre-training. */
export const TINY_BASE = {
  hiddenSize: 16,
  intermediateSize: 32,
  layers: 1,
  heads: 2,
  keyValueHeads: 1,
  initializerRange: 0.2,
  learningRate: 1e-2,
  warmup: 2,
  batch: 8,
  microBatch: 8,
};

/**
 * Writes `tokenizer`, `questions`, `general-questions`, `documents`, `samples`, `pairs` and `labels`, and makes the job `base`.
 * @param at the path of a name
 */
export async function writeTrainingData(at: (name: string) => string): Promise<void> {
  await writeWordTokenizer(at('tokenizer'), vocabulary());
  const tokenizer = await openTokenizer(at('tokenizer'));
  // Every problem has the same answer here.
  const questions = dialsPrompts({seed: 0, split: 'train', count: 64}).map((prompt): Prompt => ({
    ...prompt,
    answer: ANSWER,
  }));
  await writeRows(at('questions'), questions);
  await writeRows(at('general-questions'), generalPrompts({seed: 0, split: 'train', count: 40}));
  const documents = questions.flatMap(({id, question}, index) =>
    (['tiny-zero', 'chat'] as const).map((template) => ({
      id: `${template}:${id}`,
      from: [],
      prompt: renderPrompt(tokenizer, template, question),
      response: RESPONSES[index % 2]!,
    })),
  );
  await writeRows(at('documents'), documents);
  const rows = generalRows({seed: 0, split: 'train', count: 80, goodShare: 0.5});
  await writeRows(
    at('samples'),
    rows.map(({id, prompt: {question}, response}) => ({id, from: [], question, response})),
  );
  await writeRows(
    at('pairs'),
    rows.map(({id, prompt: {question}, response}, index) => ({
      id,
      from: [],
      question,
      chosen: response,
      rejected: RESPONSES[index % 2]!,
    })),
  );
  await writeRows(
    at('labels'),
    rows.map(({id, prompt: {question}, response, quality}) => ({
      id,
      from: [],
      question,
      response,
      safe: quality === 'good',
    })),
  );
  await make(at('base'), {
    stage: pretrain,
    exported: 'pretrain',
    inputs: {documents: at('documents'), tokenizer: at('tokenizer')},
    params: {...TINY_BASE, steps: 80},
  });
}
