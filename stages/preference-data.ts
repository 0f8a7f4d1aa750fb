/**
 * What the reward models learn from: full-sft's own completions of general prompts, labelled by a judge that is not the
 * metric. Pairs (helpful) are of comparable length, as the paper's are over the whole set; labels (safety) are point-wise.
 * The paper asks a language model four times per pair; this judge is a program, so once is enough.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage} from '../pipeline/stage.js';
import {rolloutId, sampleFromModel} from './rollout/sample-from-model.js';
import {writeRows} from './data/rows.js';
import {COUNT, COUNT_OR_NONE, SPECIAL_IN_PROMPTS, chunk, temperature} from './common-params.js';
import type {LabelRow, PairRow} from './data/schemas.js';
import {random} from './random.js';
import type {Rollout} from './rollout/sample-groups.js';
import {template} from './text/template-names.js';
import {WORDING, wordingMistakes} from './text/wording.js';

/**
 * Samples a model on general prompts and labels what it says: pairs for the helpful reward model, point-wise labels for
 * the safety one (DeepSeek-R1, arXiv 2501.12948, §2.3.4).
 *
 * @throws {StageFailure} from `run` when nothing is left to learn from
 */
export const preferenceData = defineStage({
  module: import.meta.url,
  name: 'preference-data',
  summary: 'Preference pairs and safety labels on the model’s own completions',
  tensor: true,
  resources: {memory: 1200},
  inputs: {policy: 'model', prompts: 'prompts'},
  outputs: {pairs: 'pairs', labels: 'labels'},
  ...declareParams({
    template: template('chat'),
    ...SPECIAL_IN_PROMPTS,
    ...WORDING,
    prompts: described(66_000, 'Prompts, chosen at random (the paper’s 66,000 helpful pairs).', COUNT),
    samples: described(8, 'Completions of each prompt.', COUNT),
    temperature: temperature(1),
    perPrompt: described(2, 'Pairs to keep of each prompt.', COUNT),
    lengthGap: described(
      6,
      'A pair whose lengths differ by more tokens than this is not kept: length is not what should be learned.',
      COUNT_OR_NONE,
    ),
    maxNewTokens: described(
      8_192,
      'Tokens, the end token included; a longer completion is cut off and dropped.',
      COUNT,
    ),
    chunk: chunk(16),
  }),
  check: ({params}) => wordingMistakes(params),
  async memory({inputs, params, threads, cores}) {
    const {samplerNeedBefore} = await import('./memory/sampling.js');
    return samplerNeedBefore({model: inputs.policy, prompts: [inputs.prompts], params, threads, cores});
  },
  async run({inputs, outputs, params, seed, threads, cores, progress, note, scratch}) {
    const [{preferred, judgedSafe}, {agreement}, {readPrompts}, {join}] = await Promise.all([
      import('./tasks/judge.js'),
      import('./tasks/agreement.js'),
      import('./data/rows.js'),
      import('node:path'),
    ]);
    // Prompt sets lie in a fixed order by family; a random choice covers all kinds.
    const chosen = random(seed, 'preference-data/prompts')
      .shuffle(await readPrompts(inputs.prompts))
      .slice(0, params.prompts);
    const prompts = join(scratch, 'prompts');
    await writeRows(prompts, chosen);
    const {groups, generatedTokens, parameters} = await sampleFromModel({
      ...params,
      model: inputs.policy,
      prompts,
      count: params.prompts,
      topP: 1,
      threads,
      cores,
      key: {seed, purpose: 'preference-data'},
      done: (step, total) => progress({step, total}),
      note,
    });
    const pairs: PairRow[] = [];
    const labels: LabelRow[] = [];
    const counts = {ties: 0, lengthGap: 0, unfinished: 0};
    for (const group of groups) {
      const finished = distinct(group.filter((one) => one.finished));
      counts.unfinished += group.filter((one) => !one.finished).length;
      for (const one of finished) {
        labels.push({
          id: `safety:${rolloutId(one)}`,
          from: [rolloutId(one)],
          question: one.prompt.question,
          response: one.completion.text,
          safe: judgedSafe(one.prompt, one.completion.text),
        });
      }
      if (group[0]!.prompt.scenario?.kind === 'refuse') continue; // the safety model speaks on these
      let kept = 0;
      for (const [a, b] of couples(finished)) {
        if (kept === params.perPrompt) break;
        const {winner} = preferred(a.prompt, a.completion.text, b.completion.text);
        if (winner === 'tie') counts.ties++;
        else if (Math.abs(a.tokens.length - b.tokens.length) > params.lengthGap) counts.lengthGap++;
        else {
          const [chosenOne, rejected] = winner === 'a' ? [a, b] : [b, a];
          pairs.push({
            id: `pair:${rolloutId(chosenOne)}:${rejected.sample}`,
            from: [rolloutId(chosenOne), rolloutId(rejected)],
            question: a.prompt.question,
            chosen: chosenOne.completion.text,
            rejected: rejected.completion.text,
          });
          kept++;
        }
      }
    }
    if (pairs.length === 0)
      throw new StageFailure(
        'no two completions of one prompt differ in the judge’s eyes, so there are no pairs to learn from; sample more, or at a higher temperature',
      );
    const unsafe = labels.filter(({safe}) => !safe).length;
    const card = {
      prompts: groups.length,
      sampled: groups.flat().length,
      pairs: pairs.length,
      labels: labels.length,
      unsafe,
      notPaired: counts,
      agreementWithRubric: agreement(groups.flat().map(({prompt, completion}) => ({prompt, text: completion.text}))),
      parameters,
      trainedTokens: 0,
      generatedTokens,
      scoredTokens: 0,
    };
    await writeRows(outputs.pairs, pairs, card);
    await writeRows(outputs.labels, labels, card);
    note(`${pairs.length} pairs, ${labels.length} labels of which ${unsafe} unsafe`);
  },
});

/** One of each text: a model samples the same short answer many times. */
function distinct(group: readonly Rollout[]): Rollout[] {
  const texts = new Map<string, Rollout>();
  for (const one of group) if (!texts.has(one.completion.text)) texts.set(one.completion.text, one);
  return [...texts.values()];
}

function* couples<T>(items: readonly T[]): Generator<[T, T]> {
  for (let i = 0; i < items.length; i++) for (let j = i + 1; j < items.length; j++) yield [items[i]!, items[j]!];
}
