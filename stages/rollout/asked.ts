/** The questions of a reinforcement learning, as tokens, with all that grades their answers made ready. */
import {StageFailure} from '../../pipeline/stage.js';
import type {DefinitionRef} from '../../pipeline/definition.js';
import {readPrompts} from '../data/rows.js';
import {prepareGraders} from '../graders/registry.js';
import type {GradingSettings} from '../graders/settings.js';
import {tasksWith} from '../tasks/load-tasks.js';
import type {Tasks} from '../tasks/task.js';
import type {TemplateName} from '../text/templates.js';
import type {Tokenizer} from '../text/tokenizer.js';
import type {Wording} from '../text/wording.js';
import {encodePrompts} from './sample-groups.js';
import type {EncodedPrompt} from './sample-groups.js';

export interface Asked {
  /** All tasks that prompts belong to. */
  readonly tasks: Tasks;
  readonly reasoning: readonly EncodedPrompt[];
  /** Empty where none are wired. */
  readonly general: readonly EncodedPrompt[];
}

/**
 * @param folders of the prompts
 * @throws {StageFailure} where there are no prompts, one is too long, or a grader cannot be made ready
 */
export async function openAsked(
  folders: {readonly prompts: string; readonly general: string | undefined},
  options: {
    readonly params: Partial<Wording> &
      GradingSettings & {readonly template: TemplateName; readonly maxNewTokens: number};
    readonly tokenizer: Tokenizer;
    /** Positions of the model. */
    readonly positions: number;
    readonly definitions: readonly DefinitionRef[];
    readonly cores: number;
    readonly note: (text: string) => void;
  },
): Promise<Asked> {
  const {params, tokenizer, positions, definitions, cores, note} = options;
  const tasks = await tasksWith(definitions);
  const limit = positions - params.maxNewTokens;
  if (limit <= 0)
    throw new StageFailure(
      `maxNewTokens ${params.maxNewTokens} leaves no room for a prompt: the model has ${positions} positions`,
    );
  const encode = async (folder: string | undefined): Promise<EncodedPrompt[]> =>
    folder === undefined ? [] : encodePrompts(await readPrompts(folder, tasks), {...params, tokenizer, limit, note});
  const reasoning = await encode(folders.prompts);
  const general = await encode(folders.general);
  if (reasoning.length === 0) throw new StageFailure('there are no prompts');
  const asked = [...reasoning, ...general].map(({prompt}) => prompt);
  await prepareGraders(asked, {
    cores,
    sandbox: params.sandbox,
    judge: params.judge,
    extraction: params.extraction,
    tasks,
    note,
  });
  return {tasks, reasoning, general};
}
