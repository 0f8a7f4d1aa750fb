/** `r1 eval --model`: questions answered by a model at an endpoint, scored and shown. */
import type {Services} from '../cli-context.js';
import {runInterruptibly} from '../access/model-folder.js';
import {wrongAnswersText} from '../render/wrong-answers.js';
import type {EndpointChoice} from '../options/endpoint-options.js';
import {questionProgress} from '../render/question-progress.js';
import type {SamplingOptions} from '../../stages/evaluation/chat.js';
import type {GradingSettings} from '../../stages/graders/settings.js';
import type {Prompt} from '../../stages/tasks/prompt.js';

/** Tokens of the longest answer unless it is said: a model that thinks writes more than one of ours. */
const MOST_TOKENS = 4_096;

export interface EndpointEvaluation {
  readonly prompts: readonly Prompt[];
  readonly sampling: Omit<SamplingOptions, 'maxTokens'>;
  /** Tokens of the longest answer. */
  readonly maxTokens?: number | undefined;
  readonly samples: number;
  readonly grading: GradingSettings;
  readonly json: boolean;
  /** How many of the questions that went wrong are shown. */
  readonly wrong: number;
  /** What was asked, in words. */
  readonly asked: string;
}

export async function evalAtEndpoint(
  services: Services,
  {model, request, keep, open}: EndpointChoice,
  {prompts, sampling, maxTokens = MOST_TOKENS, samples: each, grading, json, asked, wrong: most}: EndpointEvaluation,
): Promise<void> {
  const [{answerAtEndpoint}, {keptAnswers}, {NO_CHECKPOINTS}, {modelScores}] = await Promise.all([
    import('../../stages/evaluation/answer-at-endpoint.js'),
    import('../../stages/endpoint/kept-answers.js'),
    import('../../stages/endpoint/journal.js'),
    import('../render/scores.js'),
  ]);
  const server = await open();
  const {seed, threads, note, ...rest} = sampling;
  await runInterruptibly(services, async (signal) => {
    const show = questionProgress(() => performance.now(), 'answers');
    const {samples, served, scores, usage} = await answerAtEndpoint(server, prompts, {
      asking: {
        ...rest,
        ...{endpoint: model, endpointRequest: request, samples: each, maxNewTokens: maxTokens},
        key: {seed, purpose: 'eval'},
      },
      grading,
      cores: threads,
      checkpoints: keep === undefined ? NO_CHECKPOINTS : await keptAnswers(keep),
      signal,
      done: (answers, total, tokens) =>
        services.progress(`${show(answers, total)}  ${tokens.toLocaleString('en')} tokens`),
      note,
    }).finally(() => services.progress(undefined));
    if (!json) {
      services.say(modelScores({model, scores}, asked));
      const wrong = wrongAnswersText(prompts, samples, {most, width: services.width});
      if (wrong !== undefined) services.say(`\n${wrong}`);
      return;
    }
    const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
    const rows = samples.map((sample, index) => {
      const {question, answer = null} = byId.get(sample.prompt)!;
      return {...sample, question, reference: answer, served: served[index]};
    });
    services.say(JSON.stringify({model, usage, scores, samples: rows}));
  });
}
