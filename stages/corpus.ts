/**
 * The frozen ground that a recipe stands on: pre-training documents, the tokenizer and every prompt set with its split.
 * It does not depend on a run's seed, so that all seeds train on the same documents and are measured on the same
 * held-out problems.
 */
import {defineStage} from '../pipeline/stage.js';
import {writeRows} from './data/rows.js';
import {CORPUS} from './tasks/documents.js';

export const corpus = defineStage({
  module: import.meta.url,
  name: 'corpus',
  summary: 'Pre-training documents and the tokenizer of the built-in tasks',
  seedless: true,
  inputs: {},
  outputs: {documents: 'dataset', tokenizer: 'tokenizer'},
  params: {
    ...CORPUS,
    count: 60_000,
    /** The corpus has a seed of its own: it is data, not a draw of the run. */
    corpusSeed: 20260101,
  },
  async run({outputs, params}) {
    const [{corpus: documentsOf, corpusCard}, {vocabulary}, {writeWordTokenizer}] = await Promise.all([
      import('./tasks/documents.js'),
      import('./tasks/lexicon.js'),
      import('./text/word-tokenizer.js'),
    ]);
    const {count, corpusSeed, ...shares} = params;
    const documents = [...documentsOf({...shares, seed: corpusSeed, count})];
    await writeRows(outputs.documents, documents, corpusCard(documents));
    await writeWordTokenizer(outputs.tokenizer, vocabulary());
  },
});
