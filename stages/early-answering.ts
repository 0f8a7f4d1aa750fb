/**
 * Does the answer need the thinking? Early answering of Lanham et al. 2023 (arXiv 2307.13702, §2.3): the thinking of stored responses is
 * cut at ends of lines, the answer is forced behind what is left, and a model that reads its thinking answers worse the less of it there
 * is. Two controls have as much thinking without its content: that of another problem, and filler.
 *
 * Lanham et al. count how often the answer stays what it was; here answers are held against the reference, as everywhere else.
 */
import {declareParams, described, isWithin} from '../pipeline/params.js';
import type {Json} from '../pipeline/params.js';
import {StageFailure, defineStage} from '../pipeline/stage.js';
import {COUNT, COUNT_OR_NONE, SEED, SHARE, SPECIAL_IN_PROMPTS, chunk} from './common-params.js';
import {readPrompts, writeRows} from './data/rows.js';
import type {EarlyAnswer, EarlySummary} from './evaluation/early-answers.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {JUDGING_TIME} from './rewards/names.js';
import type {Extraction} from './tasks/asking.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import type {TemplateName} from './text/template-names.js';

/**
 * Draws the answers of a model to held-out problems behind thinking that is forced on it: its own, stored with its `scores`, cut to
 * shares of its lines, and in two controls that of another problem and filler. All is asked, sampled and graded as in the evaluation
 * that the scores come from. `answers` holds a row for each response and condition, and as its card the rates with 95 % intervals.
 *
 * @throws {StageFailure} from `run`: the scores are of another model or other prompts, or no response can be cut
 */
export const earlyAnswering = defineStage({
  module: import.meta.url,
  name: 'early-answering',
  summary: 'How often a model is right with none, some or all of its thinking, and with thinking that is not its own',
  tensor: true,
  // As of an evaluation: the draws are those of the problem and the sample, whatever the run's seed.
  seedless: true,
  resources: {memory: 1200},
  inputs: {model: 'model', scores: 'scores', prompts: 'prompts'},
  outputs: {answers: 'early-answers'},
  ...declareParams({
    shares: described<readonly number[]>(
      [0, 0.25, 0.5, 0.75, 1],
      'Shares of the lines of the thinking that are kept, each to the nearest line.',
      {
        should: 'a list of shares, ascending, the last of them 1, which the others are compared with',
        isRight: (list) =>
          Array.isArray(list) &&
          list.at(-1) === 1 &&
          list.every(
            (share: Json, place) =>
              isWithin(SHARE, share) && (place === 0 || (share as number) > (list as number[])[place - 1]!),
          ),
      },
    ),
    filler: described(
      '...',
      'What every word of the thinking is replaced by in the filler (Lanham et al. have “...”); to be known to the tokenizer.',
      {should: 'a text without spaces', isRight: (text) => typeof text === 'string' && /^\S+$/u.test(text)},
    ),
    samples: described(
      4,
      'Responses to each problem that are answered anew, the first ones; 0 for all.',
      COUNT_OR_NONE,
    ),
    maxNewTokens: described(64, 'Tokens of an answer, the end token included; one that is cut off is wrong.', COUNT),
    ...SPECIAL_IN_PROMPTS,
    chunk: chunk(128),
    ...JUDGING_TIME,
    ...GRADING,
    answeringSeed: described(20260104, 'Seed of the sampling and of whose thinking goes to whom.', SEED),
  }),
  definitions: {tasks: 'task'},
  caution: (params) => gradingCautions(params, `${params.samples * (params.shares.length + 2)} a prompt`),
  check: ({params, ...wired}) => [...judgeMistakes(params.judge), ...taskMistakes(wired)],
  async memory({inputs: {model, scores, prompts}, params, threads, cores}) {
    const {continuationNeedBefore} = await import('./memory/sampling.js');
    return continuationNeedBefore({model, prompts, responses: scores, params, threads, cores});
  },
  async run({inputs, outputs, params, definitions, threads, cores, progress, note}) {
    const [
      {answerForced, cuttable, forceAll},
      {storedRate, summariseConditions},
      {askedOf},
      {judgeRollouts},
      {readEvaluation},
      {openModel, weightsDigest},
      {tasksWith},
      {openTokenizer},
    ] = await Promise.all([
      import('./evaluation/answer-early.js'),
      import('./evaluation/early-answers.js'),
      import('./evaluation/asked.js'),
      import('./evaluation/judge-rollouts.js'),
      import('./evaluation/report/read-evaluation.js'),
      import('./model/hf-folder/index.js'),
      import('./tasks/load-tasks.js'),
      import('./text/tokenizer.js'),
    ]);
    const tasks = await tasksWith(definitions.tasks);
    const evaluated = await readEvaluation(inputs.scores);
    const model = await weightsDigest(inputs.model);
    if (evaluated.model !== model)
      throw new StageFailure(
        `the scores are of the model ${evaluated.model.slice(0, 12)}, and this one is ${model.slice(0, 12)}; wire the scores of the same model`,
      );
    // Asked and read as it was evaluated, but for what responses began with, which the forced thinking holds.
    const {temperature, topP, shots = [], system = '', suffix = '', stop = []} = evaluated;
    const template = evaluated.template as TemplateName;
    const extraction = (evaluated.extraction ?? 'task') as Extraction;
    const asking = {shots, system, suffix, prefill: '', stop, extraction};

    const {config, weights} = await openModel(inputs.model);
    const tokenizer = await openTokenizer(inputs.model, params);
    for (const text of tokenizer.notes) note(text);
    const drops = new Map<string, number>();
    const leaveOut = (why: string): void => void drops.set(why, (drops.get(why) ?? 0) + 1);
    const responses = cuttable(evaluated.samples, await readPrompts(inputs.prompts, tasks), {
      ...params,
      tasks,
      leaveOut,
    });
    const limit = config.maxPositions - params.maxNewTokens;
    const jobs = forceAll(responses, {
      ...params,
      ...asking,
      template,
      tokenizer,
      limit,
      seed: params.answeringSeed,
      leaveOut,
    });
    if (jobs.length === 0)
      throw new StageFailure(
        `no response can be cut: ${[...drops].map(([why, count]) => `${count} × ${why}`).join(', ') || 'there is none with an answer'}; wire scores of a model that thinks, with two problems or more of each level and language`,
      );
    const drawn = await answerForced(jobs, {
      ...{...params, template, temperature, topP, stop, config, weights, tokenizer, limit, threads, cores, note},
      key: {seed: params.answeringSeed, purpose: 'early-answering'},
      done: (step, total) => progress({step, total}),
    });
    const judged = await judgeRollouts(drawn, {
      ...{tasks, timeoutMs: params.rewardTimeout, refs: definitions, cores, note},
      grading: {...params, extraction},
    });
    const rows = judged.map((answer, index): EarlyAnswer & {id: string; from: string[]} => {
      const {response, donor, forms} = jobs[index % jobs.length]!;
      const {prefill: _, tokens: __, ...form} = forms[Math.floor(index / jobs.length)]!;
      const {sample} = response.sample;
      const [own, others] = [response, donor].map((one) => `${one.sample.prompt}#${one.sample.sample}`) as [
        string,
        string,
      ];
      const isOther = form.condition === 'other';
      const given = donor.sample.answer;
      return {
        ...{id: `${own}:${form.condition}-${form.share}`, from: isOther ? [own, others] : [own]},
        ...{...answer, ...form, sample, of: response.thinking.lines.length, stored: response.sample.outcome},
        ...(isOther && given !== null ? {followed: answer.answer === given} : {}),
      };
    });
    const summary: EarlySummary = {
      ...{format: 'r1-early-answers-1', model, template, ...askedOf(asking), temperature, topP, filler: params.filler},
      problems: new Set(rows.map(({key}) => key)).size,
      responses: jobs.length,
      leftOut: Object.fromEntries(drops),
      stored: storedRate(rows),
      conditions: summariseConditions(rows),
    };
    await writeRows(outputs.answers, rows, summary);
    const right = summary.conditions.map(
      ({condition, share, right: {mean}}) =>
        `${condition === 'own' ? `${100 * share} %` : condition} ${mean.toFixed(3)}`,
    );
    note(`right after so much of the thinking: ${right.join(', ')}`);
  },
});
