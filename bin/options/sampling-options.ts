/** Options of the commands that sample from a model. */
import {InvalidArgumentError, Option} from 'commander';
import type {Command} from 'commander';
import type {SamplingOptions} from '../../stages/evaluation/chat.js';
import {TEMPLATE_NAMES} from '../../stages/text/templates.js';
import type {TemplateName} from '../../stages/text/templates.js';
import type {Wording} from '../../stages/text/wording.js';
import {countingNumber, numberBetween, wholeNumber} from './numbers.js';

export interface SamplingFlags {
  readonly seed: number;
  readonly temperature: number;
  readonly topP: number;
  readonly maxTokens?: number;
  readonly template?: TemplateName;
  readonly threads: number;
  readonly specialInPrompts?: boolean;
  readonly system?: string;
  readonly suffix?: string;
  readonly prefill?: string;
  readonly stop?: readonly string[];
}

/** A template, and the texts around a question. */
interface Asked extends Partial<Wording> {
  readonly template: TemplateName;
}

/** What a model is asked under where nothing is known of its training. */
export const USUAL_TEMPLATE: TemplateName = 'chat';

const stopText = (text: string): string => {
  if (text === '') throw new InvalidArgumentError('a text that is not empty is expected.');
  return text;
};

const stopTexts = (text: string, before: readonly string[] = []): string[] => [...before, stopText(text)];

export const withSampling = (command: Command): Command =>
  command
    .option('--seed <n>', 'random seed; the same seed gives the same text', wholeNumber, 0)
    .option('--temperature <t>', '0 always takes the likeliest token', numberBetween(0, 10), 0.6)
    .option(
      '--top-p <p>',
      'sample from the likeliest tokens that add up to this probability',
      numberBetween(1e-6, 1),
      0.95,
    )
    .option(
      '--max-tokens <n>',
      'tokens of the longest response (default: what the model has room for, 1024 at most)',
      countingNumber,
    )
    .addOption(
      new Option(
        '--template <name>',
        `the prompt template (default: what a model of the store was trained under, with the texts around it; else ${USUAL_TEMPLATE})`,
      ).choices([...TEMPLATE_NAMES]),
    )
    .option(
      '--special-in-prompts',
      'a control token that is typed into a question, such as <|im_end|>, counts as one; else it is text',
    )
    .option('--system <text>', 'text of a system turn in front of the question (template chat)')
    .option(
      '--suffix <text>',
      "text behind every question, as it is, with the space or the new line in front of it ($'\\n' in bash)",
    )
    .option(
      '--prefill <text>',
      'text that every response is made to begin with, such as "<think>"; it is shown as a part of it',
    )
    .option(
      '--stop <text>',
      'a response ends where this text begins, which is left out; give it again for another one',
      stopTexts,
    )
    .option('--threads <n>', 'threads to compute with', countingNumber, 1);

/**
 * How a model is sampled. Where no template is given, it is asked as it was trained, each text that is given in the place of its own.
 *
 * @param options.trained how the model was asked where it was trained, if that is known
 */
export const samplingOf = (
  {seed, temperature, topP, maxTokens, template, threads, specialInPrompts = false, ...texts}: SamplingFlags,
  {
    room,
    note,
    trained,
  }: {readonly room: number; readonly note: (text: string) => void; readonly trained?: Asked | undefined},
): SamplingOptions => {
  const own: Partial<Asked> = template === undefined || template === trained?.template ? {...trained} : {};
  const {system = own.system, suffix = own.suffix, prefill = own.prefill, stop = own.stop} = texts;
  return {
    ...{system: system ?? '', suffix: suffix ?? '', prefill: prefill ?? '', stop: stop ?? [], shots: own.shots ?? []},
    seed,
    temperature,
    topP,
    template: template ?? own.template ?? USUAL_TEMPLATE,
    threads,
    specialInPrompts,
    note,
    maxTokens: maxTokens ?? Math.min(1024, room),
  };
};
