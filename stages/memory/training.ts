/** What the stages that only train need: supervised fine-tuning and reward models. */
import {readConfig} from '../model/hf-folder/index.js';
import type {Buckets} from '../engine/programs/batches.js';
import {withScoreHead} from '../model/config.js';
import type {ModelConfig} from '../model/config.js';
import type {MemoryNeed} from '../../pipeline/stage.js';
import type {RowText} from '../data/longest.js';
import {readCompletion} from '../text/completion.js';
import type {TemplateName} from '../text/template-names.js';
import type {Checkpointing} from '../train/compute.js';
import {lengthBuckets} from '../train/length-buckets.js';
import {measureRows} from './lengths.js';
import type {Measured} from './lengths.js';
import {told} from './need.js';
import type {Need} from './need.js';
import {computesAgain, memoryOf, trainingMemory} from './parts.js';

interface FineTuning {
  readonly config: ModelConfig;
  /** Of the longest row. */
  readonly tokens: number;
  /** Which positions get logits, where that is known and not all do. */
  readonly targets?: Buckets['targets'];
  readonly threads: number;
  readonly params: {
    readonly batch: number;
    readonly microBatch: number;
    readonly activationCheckpointing?: Checkpointing;
  };
}

/** Of training on rows that are there. A pair counts as two rows of a micro-batch, and of an update. */
export function trainingNeed({config, tokens, targets, threads, params}: FineTuning, rowsOfOne = 1): Need {
  const {batch, microBatch, activationCheckpointing} = params;
  return {
    values: {microBatch, ...(activationCheckpointing !== undefined && {activationCheckpointing})},
    parts(values) {
      const buckets = {
        rows: Math.min(Number(values['microBatch']), batch * rowsOfOne),
        lengths: lengthBuckets([tokens]),
        ...(targets !== undefined && {targets}),
      };
      const wanted = (values['activationCheckpointing'] ?? 'off') as Checkpointing;
      const again = computesAgain(wanted, config, buckets);
      return trainingMemory({
        config,
        buckets,
        activationCheckpointing: again,
        threads,
        updateRows: batch * rowsOfOne,
      });
    },
  };
}

/** Of `sft`, from its inputs. */
export async function fineTuningNeed({
  base,
  data,
  threads,
  params,
}: {
  /** Folders. */
  readonly base: string;
  readonly data: readonly string[];
  readonly threads: number;
  readonly params: FineTuning['params'] & {readonly template: TemplateName; readonly maxTokens: number};
}): Promise<MemoryNeed> {
  const config = await readConfig(base);
  const limit = Math.min(params.maxTokens, config.maxPositions);
  const needWith = ({tokens}: Measured): Need =>
    trainingNeed({config, tokens: Math.min(tokens, limit), threads, params});
  const textsOf = (field: (name: string) => string): RowText[] => [
    {question: field('question'), rest: field('response')},
  ];
  const rows = {folders: data, textsOf, tokenizer: base, template: params.template};
  return told(needWith(await measureRows(rows, sizeOf(needWith))));
}

/** Of a reward model, from its inputs. */
export async function rewardModelNeed({
  base,
  data,
  scope,
  threads,
  params,
}: {
  /** Folders. */
  readonly base: string;
  readonly data: string;
  /** Of pairs the answers alone are seen, of labelled rows all. */
  readonly scope: 'answer' | 'response';
  readonly threads: number;
  readonly params: Pick<FineTuning['params'], 'batch' | 'microBatch'>;
}): Promise<MemoryNeed> {
  const config = withScoreHead(await readConfig(base));
  const isPair = scope === 'answer';
  const needWith = ({tokens}: Measured): Need =>
    trainingNeed({config, tokens: Math.min(tokens, config.maxPositions), threads, params}, isPair ? 2 : 1);
  const textsOf = (field: (name: string) => string): RowText[] => {
    const question = field('question');
    if (!isPair) return [{question, rest: field('response')}];
    return ['chosen', 'rejected'].map((name) => ({question, rest: readCompletion(field(name), true).answer ?? ''}));
  };
  const rows = {folders: [data], textsOf, tokenizer: base, template: 'chat'} as const;
  return told(needWith(await measureRows(rows, sizeOf(needWith))));
}

/** MiB with such rows. */
const sizeOf =
  (needWith: (measured: Measured) => Need) =>
  (measured: Measured): number => {
    const {values, parts} = needWith(measured);
    return memoryOf(parts(values));
  };
