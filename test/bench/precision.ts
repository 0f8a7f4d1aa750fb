/**
 * What rollouts in bf16 take of time beside those in float32: one chunk, drawn in turn by both. `node dist/test/bench/precision.js MODEL`
 * with a Hugging Face folder prints processor seconds, which a busy machine changes less than wall time; the first of each compiles.
 */
import {openEngine} from '../../stages/engine/engine.js';
import type {Chunk} from '../../stages/engine/programs/generation.js';
import {generation} from '../../stages/engine/programs/generation.js';
import {openModel} from '../../stages/model/hf-folder/index.js';
import {handOver} from '../../stages/model/parameters.js';
import {samplingUniforms} from '../../stages/random.js';
import {PRECISIONS} from '../../stages/train/compute.js';
import type {Precision} from '../../stages/train/compute.js';

const PROMPTS = 2;
const GROUP = 4;
const PROMPT_LENGTH = 64;
const TOKENS = 64;
const TURNS = 4;

const [, , folder] = process.argv;
if (folder === undefined) throw new Error('which model? node dist/test/bench/precision.js MODEL');
const {config, weights} = await openModel(folder);
const sampleIn = (precision: Precision) =>
  generation({
    prompts: PROMPTS,
    group: GROUP,
    promptLengths: [PROMPT_LENGTH],
    maxNewTokens: TOKENS,
    // Hardly ever drawn, so that all samples are as long as they may be.
    stopIds: [config.vocabSize - 1],
    temperature: 1,
    topP: 1,
    topK: 0,
    precision,
  });
const programs = {f32: sampleIn('f32'), bf16: sampleIn('bf16')};
const engine = await openEngine({config, weights: handOver(weights), threads: 1, programs});
const prompts = Array.from({length: PROMPTS}, (_, prompt) =>
  Array.from({length: PROMPT_LENGTH}, (__, at) => (31 * prompt + 7 * at) % config.vocabSize),
);
const samples = Array.from({length: PROMPTS * GROUP}, (_, sample) => sample);
const chunk: Chunk = {prompts, uniforms: samplingUniforms({seed: 1, purpose: 'precision'}, samples, TOKENS)};
for (let turn = 0; turn < TURNS; turn++) {
  for (const precision of PRECISIONS) {
    const before = process.cpuUsage();
    const drawn = engine.run[precision](chunk);
    const {user, system} = process.cpuUsage(before);
    const tokens = drawn.reduce((sum, one) => sum + one.tokens.length, 0);
    console.log(
      `${precision.padEnd(5)} ${((user + system) / 1e6).toFixed(2)} s of a processor for ${tokens} tokens${turn === 0 ? ', compiling' : ''}`,
    );
  }
}
engine.dispose();
