/** `r1 eval`: any model on any prompts, scored as the evaluate stage scores. Nothing is stored. */
import {Command, Option} from 'commander';
import {CHOICE_SCORES} from '../../stages/evaluation/choice-params.js';
import type {ChoiceScores} from '../../stages/evaluation/choice-params.js';
import {withGlobals} from '../options/global-options.js';
import {withModelFolder} from '../access/model-folder.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {endpointOf, withEndpoint, type EndpointFlags} from '../options/endpoint-options.js';
import {judgeOf, withJudge} from '../options/judge-options.js';
import type {JudgeFlags} from '../options/judge-options.js';
import {countingNumber, wholeNumber} from '../options/numbers.js';
import {PROMPT_WORDING, withPrompts} from '../options/prompt-options.js';
import type {PromptFlags} from '../options/prompt-options.js';
import {wrongAnswersText} from '../render/wrong-answers.js';
import {questionProgress} from '../render/question-progress.js';
import {USUAL_TEMPLATE, samplingOf, withSampling} from '../options/sampling-options.js';
import type {SamplingFlags} from '../options/sampling-options.js';
import {SANDBOXES, type SandboxKind} from '../../stages/sandbox/names.js';
import {EXTRACTIONS, type Extraction} from '../../stages/tasks/asking.js';

interface EvalFlags extends SamplingFlags, PromptFlags, JudgeFlags, EndpointFlags {
  readonly samples: number;
  readonly sandbox: SandboxKind;
  readonly choiceScores: ChoiceScores;
  readonly extraction?: Extraction;
  readonly wrong: number;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export const evalCommand = (services: Services): Command =>
  withSampling(
    withEndpoint(
      withJudge(
        withPrompts(
          withGlobals(new Command('eval'), [
            'r1 eval all-scenario-rl --prompts questions.jsonl',
            'r1 eval ./my-model --prompts questions.jsonl --samples 16 --json',
            'r1 eval ./my-model --prompts test.parquet --column question=prompt --column answer=reward_model.ground_truth',
            'r1 eval ./SmolLM2-135M-Instruct --prompts gsm8k.jsonl --extraction last-number --stop Question:',
            'r1 eval ./my-model --prompts essays.jsonl --answers judge --judge qwen3-32b --rubric rubric.txt',
            'r1 eval --model deepseek-reasoner --endpoint https://api.deepseek.com/v1 --prompts questions.jsonl --keep ./answers',
          ]),
        ),
      ),
    ),
  )
    .description(
      'sample answers to the questions of a file and score them; which fields are question and answer is found by the usual names',
    )
    .argument(
      '[model]',
      '[run/]node, @digest, @tag, the folder of a model (has a slash), or a .gguf file; at an endpoint: --model',
    )
    .addOption(
      new Option(
        '--choice-scores <by>',
        'score choices by log-probability, too: texts behind the question, or letters behind the list',
      )
        .choices(CHOICE_SCORES)
        .default('none'),
    )
    .addOption(
      new Option(
        '--extraction <where>',
        'where answers are looked for: task: in <answer> tags, else in \\boxed{}; last-number: what is marked so, else the last number ' +
          '(default: as the model was trained, else task)',
      ).choices(EXTRACTIONS),
    )
    .option('--samples <n>', 'samples of each question', countingNumber, 16)
    .option('--wrong <n>', 'show this many of the questions that went wrong most often', wholeNumber, 5)
    .addOption(
      new Option('--sandbox <kind>', 'how programs that the model writes are contained, where answers are programs')
        .choices(SANDBOXES)
        .default(SANDBOXES[0]),
    )
    .action(async (reference: string | undefined, options: GlobalOptions & EvalFlags) => {
      const endpoint = endpointOf(options, reference);
      const [{readPromptFile}, {answerPrompts}, {askedText}, {modelScores}] = await Promise.all([
        import('../../stages/data/import/index.js'),
        import('../../stages/evaluation/chat.js'),
        import('../../stages/evaluation/asked.js'),
        import('../render/scores.js'),
      ]);
      const {prompts: file, format, column: columns, answers, language = null, choiceScores} = options;
      const judge = judgeOf(options);
      const {prompts, notes} = await readPromptFile(file, file, {
        ...{format, columns, answers, language},
        wording: PROMPT_WORDING,
      });
      for (const note of notes) services.complain(note);
      const asked = `${counted(prompts.length, 'question')}, ${counted(options.samples, 'sample')} each`;
      if (endpoint !== undefined) {
        const {maxTokens, samples, sandbox, extraction = 'task', json = false, wrong} = options;
        const sampling = samplingOf(options, {room: Number.MAX_SAFE_INTEGER, note: services.complain});
        const {evalAtEndpoint} = await import('../execution/eval-at-endpoint.js');
        await evalAtEndpoint(services, endpoint, {
          ...{prompts, sampling, maxTokens, samples, json, asked, wrong},
          grading: {sandbox, judge, extraction},
        });
        return;
      }
      await withModelFolder(services, options, reference!, async (folder, stop, origin) => {
        const show = questionProgress();
        const done = (through: number, total: number): void => {
          stop.throwIfAborted();
          services.progress(show(through, total));
        };
        const {samples: each, sandbox} = options;
        const trained = origin?.asked;
        const sampling = samplingOf(options, {room: Number.MAX_SAFE_INTEGER, note: services.complain, trained});
        const own = sampling.template === trained?.template ? trained.extraction : undefined;
        const extraction = options.extraction ?? own ?? 'task';
        const {samples, scores} = await answerPrompts(folder, prompts, {
          ...sampling,
          ...{samples: each, sandbox, done, signal: stop, judge, choiceScores, extraction},
        }).finally(() => services.progress(undefined));
        const how = askedText(sampling.template, {...sampling, extraction});
        if (options.json === true) {
          const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
          const rows = samples.map((sample) => {
            const {question, answer = null} = byId.get(sample.prompt)!;
            return {...sample, question, reference: answer};
          });
          services.say(JSON.stringify({model: reference, asked: how, scores, samples: rows}));
        } else {
          services.say(modelScores({model: reference!, scores}, how === USUAL_TEMPLATE ? asked : `${asked} (${how})`));
          const wrong = wrongAnswersText(prompts, samples, {most: options.wrong, width: services.width});
          if (wrong !== undefined) services.say(`\n${wrong}`);
        }
      });
    });
