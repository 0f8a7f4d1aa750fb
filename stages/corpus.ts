/**
 * What a recipe stands on: pre-training documents and the tokenizer. They do not depend on a run's seed, so
 * that all seeds train on the same documents.
 *
 * With tasks of one's own, the documents are about these alone and the tokenizer's words are those that occur in them; of the
 * params, `count`, `corpusSeed` and the shares of `zero` and `chat` among the sources then count.
 */
import {declareParams, described} from '../pipeline/params.js';
import {defineStage} from '../pipeline/stage.js';
import {COUNT, SEED} from './common-params.js';
import {writeRows} from './data/rows.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import {CORPUS_SHARES} from './tasks/documents.js';

/**
 * Makes the pre-training documents of the tasks and a word-level tokenizer of the words in them. The paper starts from
 * DeepSeek-V3-Base; this is what a base model of one's own is trained on.
 */
export const corpus = defineStage({
  module: import.meta.url,
  name: 'corpus',
  summary: "Pre-training documents and the tokenizer of the built-in tasks, or of one's own",
  seedless: true,
  inputs: {},
  outputs: {documents: 'dataset', tokenizer: 'tokenizer'},
  ...declareParams({
    ...CORPUS_SHARES,
    count: described(60_000, 'Documents.', COUNT),
    corpusSeed: described(20260101, 'The corpus has a seed of its own: it is data, not a draw of the run.', SEED),
  }),
  definitions: {tasks: 'task'},
  check: taskMistakes,
  async run({outputs, params, definitions}) {
    if (definitions.tasks.length > 0) {
      const [{loadTasks}, own, {writeWordTokenizer}] = await Promise.all([
        import('./tasks/load-tasks.js'),
        import('./tasks/own-data.js'),
        import('./text/word-tokenizer.js'),
      ]);
      const tasks = await loadTasks(definitions.tasks);
      const {count, corpusSeed: seed, sources: shares} = params;
      const documents = [...own.taskDocuments(tasks, {seed, count, shares})];
      const words = own.wordsIn(documents, tasks);
      await writeRows(outputs.documents, documents, own.documentsCard(documents, words));
      await writeWordTokenizer(outputs.tokenizer, words);
      return;
    }
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
