/** Options of the commands that sample from a model. */
import {InvalidArgumentError, Option} from 'commander';
import type {Command} from 'commander';
import type {SamplingOptions} from '../../stages/evaluation/chat.js';
import {TEMPLATE_NAMES} from '../../stages/text/templates.js';
import type {TemplateName} from '../../stages/text/templates.js';
import {countingNumber, numberBetween, wholeNumber} from './numbers.js';

export interface SamplingFlags {
  readonly seed: number;
  readonly temperature: number;
  readonly topP: number;
  readonly maxTokens?: number;
  readonly template: TemplateName;
  readonly threads: number;
  readonly specialInPrompts?: boolean;
  readonly system: string;
  readonly suffix: string;
  readonly prefill: string;
  readonly stop: readonly string[];
}

const stopText = (text: string): string => {
  if (text === '') throw new InvalidArgumentError('a text that is not empty is expected.');
  return text;
};

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
      new Option('--template <name>', 'the prompt template; base and Zero models want zero or tiny-zero')
        .choices([...TEMPLATE_NAMES])
        .default('chat'),
    )
    .option(
      '--special-in-prompts',
      'a control token that is typed into a question, such as <|im_end|>, counts as one; else it is text',
    )
    .option('--system <text>', 'text of a system turn in front of the question (template chat)', '')
    .option(
      '--suffix <text>',
      "text behind every question, as it is, with the space or the new line in front of it ($'\\n' in bash)",
      '',
    )
    .option(
      '--prefill <text>',
      'text that every response is made to begin with, such as "<think>"; it is shown as a part of it',
      '',
    )
    .option(
      '--stop <text>',
      'a response ends where this text begins, which is left out; give it again for another one',
      (text: string, all: readonly string[]) => [...all, stopText(text)],
      [],
    )
    .option('--threads <n>', 'threads to compute with', countingNumber, 1);

export const samplingOf = (
  {seed, temperature, topP, maxTokens, template, threads, specialInPrompts = false, ...asked}: SamplingFlags,
  {room, note}: {readonly room: number; readonly note: (text: string) => void},
): SamplingOptions => ({
  ...{system: asked.system, suffix: asked.suffix, prefill: asked.prefill, stop: asked.stop},
  seed,
  temperature,
  topP,
  template,
  threads,
  specialInPrompts,
  note,
  maxTokens: maxTokens ?? Math.min(1024, room),
});
