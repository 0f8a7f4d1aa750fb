/** `r1 eval`: any model on any prompts, scored as the evaluate stage scores. Nothing is stored. */
import {readFileSync} from 'node:fs';
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import {withGlobals} from '../options/global-options.js';
import {withModelFolder} from '../access/model-folder.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {wholeNumber} from '../options/numbers.js';
import {samplingOf, withSampling} from '../options/sampling-options.js';
import type {SamplingFlags} from '../options/sampling-options.js';

interface EvalFlags extends SamplingFlags {
  readonly prompts: string;
  readonly samples: number;
}

export const evalCommand = (services: Services): Command =>
  withSampling(
    withGlobals(new Command('eval'), [
      'r1 eval all-scenario-rl --prompts questions.jsonl',
      'r1 eval ./my-model --prompts questions.jsonl --samples 16 --json',
    ]),
  )
    .description(
      'sample answers to the questions of a JSONL file and score them; rows have question and answer, maybe id and language',
    )
    .argument('<model>', '[run/]node, @digest, @tag, the folder of a model (has a slash), or a .gguf file')
    .requiredOption('--prompts <file>', 'JSONL file, one question a line')
    .option('--samples <n>', 'samples of each question', wholeNumber, 16)
    .action(async (reference: string, options: GlobalOptions & EvalFlags) => {
      const [{importPrompts}, {answerPrompts}, {scoreTable}] = await Promise.all([
        import('../../stages/tasks/prompt-sets.js'),
        import('../../stages/evaluation/chat.js'),
        import('../render/scores.js'),
      ]);
      if (options.samples < 1)
        throw new UserError('bad-argument', 'there must be at least one sample of each question', {
          hint: 'say --samples 16',
        });
      const prompts = importPrompts(readText(options.prompts), options.prompts);
      await withModelFolder(services, options, reference, async (folder, stop) => {
        const done = (through: number, total: number): void => {
          stop.throwIfAborted();
          services.progress(`${through} of ${total} questions`);
        };
        const {samples: each} = options;
        const sampling = samplingOf(options, {room: Number.MAX_SAFE_INTEGER, note: services.complain});
        const {samples, scores} = await answerPrompts(folder, prompts, {
          ...sampling,
          ...{samples: each, done, stop},
        }).finally(() => services.progress(undefined));
        if (options.json === true) services.say(JSON.stringify({model: reference, scores, samples}));
        else services.say(scoreTable([{model: reference, scores}], services));
      });
    });

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    throw new UserError(
      'not-found',
      `${file} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : (code ?? String(error))}`,
      {
        hint: 'say where the questions are: --prompts questions.jsonl',
      },
    );
  }
}
