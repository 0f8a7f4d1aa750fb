/**
 * What an update of GRPO costs a model: `node dist/test/bench/grpo-step.js MODEL [SHARE]` with a Hugging Face folder prints processor
 * seconds, which a busy machine changes less than wall time: of opening the engine, of the first update, which compiles, and of those
 * after it. 32 rows of 60 to 110 tokens, 16 to 40 of them sampled, as 4 questions × 8 completions are; of SHARE (0.5 unless given) of the
 * groups all members have earned the same. SHARED=1 in the environment computes each prompt for each of its responses.
 */
import {openEngine} from '../../stages/engine/engine.js';
import {openModel} from '../../stages/model/hf-folder/index.js';
import {handOver} from '../../stages/model/parameters.js';
import {random} from '../../stages/random.js';
import {planUpdates} from '../../stages/train/grpo-updates.js';

const GROUPS = 4;
const GROUP = 8;
const MOST = 40;
const UPDATES = 3;

const [, , folder, share = '0.5'] = process.argv;
if (folder === undefined) throw new Error('which model? node dist/test/bench/grpo-step.js MODEL [SHARE]');
const {config, weights} = await openModel(folder);
const source = random(1, 'grpo step');
const rows = Array.from({length: GROUPS}, (_, group) => {
  const prompt = Array.from({length: 45 + 8 * group}, () => source.int(config.vocabSize));
  const teaches = group >= Number(share) * GROUPS;
  return Array.from({length: GROUP}, (__, member) => {
    const response = Array.from({length: 16 + 3 * member + source.int(4)}, () => source.int(config.vocabSize));
    return {
      tokens: [...prompt, ...response],
      mask: [...prompt.map(() => 0), ...response.map(() => 1)],
      advantage: teaches ? (member % 2) * 2 - 1 : 0,
    };
  });
}).flat();

let before = process.cpuUsage();
/** Processor seconds since the last call. */
function seconds(): number {
  const {user, system} = process.cpuUsage(before);
  before = process.cpuUsage();
  return (user + system) / 1e6;
}

const {programs} = planUpdates(
  config,
  {
    temperature: 1,
    ratio: 'token',
    aggregate: 'response-mean',
    clipLow: 10,
    clipHigh: 10,
    klCoefficient: 0,
    minibatches: 1,
    maxNewTokens: MOST,
    group: Number(process.env['SHARED'] ?? GROUP),
    microBatch: 16,
    rolloutPrecision: 'f32',
    importanceCap: 2,
  },
  {shortest: 45, longest: 72},
);
const engine = await openEngine({config, weights: handOver(weights), threads: 2, optimizer: {}, programs});
const say = (what: string): void => console.log(`${what.padEnd(14)} ${seconds().toFixed(1)} s of a processor`);
say('opening');
for (let update = 0; update < UPDATES; update++) {
  engine.run.update(rows, {learningRate: 1e-6});
  say(update === 0 ? 'first update' : 'update');
}
const peak = process.resourceUsage().maxRSS / 2 ** 20;
console.log(`${peak.toFixed(1)} GiB of memory at most`);
engine.dispose();
