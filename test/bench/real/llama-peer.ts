/** llama.cpp through node-llama-cpp: `llama-peer.js FOLDER PACKAGE`, 16 sequences that are drawn side by side on two threads. */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {answer} from './answering.js';
import {readTask} from './task.js';

/** What is used of node-llama-cpp, which is not installed here but where the second argument says. */
interface Library {
  getLlama(options: {gpu: false; build: 'never'; logLevel: 'error'}): Promise<{
    loadModel(options: {modelPath: string}): Promise<{
      createContext(options: {
        sequences: number;
        contextSize: number;
        batchSize: number;
        threads: number;
      }): Promise<{getSequence(): Sequence}>;
    }>;
  }>;
}

interface Sequence {
  evaluate(
    tokens: readonly number[],
    options: {temperature: number; topK: number; topP: number; minP: number; yieldEogToken: true},
  ): AsyncGenerator<number>;
  clearHistory(): Promise<void>;
}

const [folder, home] = process.argv.slice(2) as [string, string];
const {prompts, group, newTokens} = readTask(folder);
const {resolve} = createRequire(path.join(home, 'package.json'));
const found = resolve('node-llama-cpp');
const {getLlama} = (await import(pathToFileURL(found).href)) as Library;
const llama = await getLlama({gpu: false, build: 'never', logLevel: 'error'});
const model = await llama.loadModel({modelPath: path.join(folder, 'model.gguf')});
const samples = prompts.flatMap((prompt) => Array.from({length: group}, () => prompt));
const length = prompts[0]!.length + newTokens;
const context = await model.createContext({
  sequences: samples.length,
  contextSize: length,
  batchSize: samples.length * prompts[0]!.length,
  threads: 2,
});
const sequences = samples.map(() => context.getSequence());

/** Tokens that were drawn. */
async function generate(): Promise<number> {
  const drawn = samples.map(async (prompt, i) => {
    const sequence = sequences[i]!;
    await sequence.clearHistory();
    let count = 0;
    const options = {temperature: 1, topK: 0, topP: 1, minP: 0, yieldEogToken: true} as const;
    for await (const _ of sequence.evaluate(prompt, options)) if (++count === newTokens) break;
    return count;
  });
  const counts = await Promise.all(drawn);
  if (counts.some((count) => count !== newTokens)) throw new Error(`drew ${counts.join(', ')} tokens`);
  return counts.reduce((a, b) => a + b, 0);
}

// It exports no package.json.
const about = readFileSync(path.join(home, 'node_modules', 'node-llama-cpp', 'package.json'), 'utf8');
const {version} = JSON.parse(about) as {version: string};
await answer(version, generate);
