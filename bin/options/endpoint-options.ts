/** Options of a command that a model at an endpoint may answer. */
import {UserError} from '../../artifacts/index.js';
import type {Command} from 'commander';
import {requestMistakes, variablesOf, type RequestFields} from '../../stages/endpoint/params.js';
import type {Server} from '../../stages/endpoint/server.js';
import type {ChoiceScores} from '../../stages/evaluation/choice-params.js';
import type {TemplateName} from '../../stages/text/template-names.js';
import {countingNumber} from './numbers.js';

export interface EndpointFlags {
  readonly model?: string;
  readonly endpoint?: string;
  readonly request?: string;
  readonly concurrency?: number;
  readonly requestTimeout?: number;
  readonly price?: string;
  readonly keep?: string;
}

/** Options of a command that are for a model of this machine alone. */
export interface LocalFlags {
  readonly template?: TemplateName;
  readonly choiceScores: ChoiceScores;
  readonly specialInPrompts?: boolean;
  readonly prefill?: string;
}

const {url: URL_VARIABLE, key: KEY_VARIABLE} = variablesOf('endpoint');

/** @param longest how many tokens an answer has unless it is said */
export const withEndpoint = (command: Command, longest = '4096 tokens at most'): Command =>
  command
    .option(
      '--model <name>',
      'a model at an OpenAI-compatible endpoint, as the server calls it, in the place of <model>; its answers have ' +
        `${longest}, unless --max-tokens says otherwise; ` +
        `${KEY_VARIABLE} is the key, if it wants one`,
    )
    .option('--endpoint <url>', `with --model: the base of the endpoint (default: ${URL_VARIABLE})`)
    .option(
      '--request <json>',
      'with --model: fields of each request, beside temperature, top_p, max_tokens and seed; null leaves one out',
    )
    .option('--concurrency <n>', 'with --model: requests at a time (default: 8)', countingNumber)
    .option('--request-timeout <s>', 'with --model: seconds that one request may take (default: 1800)', countingNumber)
    .option('--price <in/out>', 'with --model: what a million tokens of prompts and of answers cost, as 0.55/2.19')
    .option(
      '--keep <folder>',
      'with --model: keep every answer there; the same command asks only for what the folder does not hold',
    );

/** A model at an endpoint, as it was named on the command line. */
export interface EndpointChoice {
  /** As the server calls it. */
  readonly model: string;
  readonly request: RequestFields;
  readonly keep: string | undefined;
  /** @throws {StageFailure} where the address or the key is none */
  open(): Promise<Server>;
}

/**
 * What answers at an endpoint, `undefined` where a model of this machine does.
 *
 * @param model the argument that names the latter
 * @throws {UserError} where options do not go together, or neither or both are named
 */
export function endpointOf(flags: EndpointFlags & LocalFlags, model: string | undefined): EndpointChoice | undefined {
  const {model: name, endpoint, request, concurrency, requestTimeout, price, keep} = flags;
  const wrong = (problem: string, hint?: string): UserError =>
    new UserError('bad-argument', problem, hint === undefined ? {} : {hint});
  if (name === undefined) {
    const all = {endpoint, request, concurrency, 'request-timeout': requestTimeout, price, keep};
    const [flag] = Object.entries(all).find(([, value]) => value !== undefined) ?? [];
    if (flag !== undefined) throw wrong(`--${flag} is for a model at an endpoint`, 'say --model NAME');
    if (model === undefined)
      throw wrong(
        'which model?',
        'name a node, a folder or a file, or a model at an endpoint: --model NAME --endpoint URL',
      );
    return undefined;
  }
  if (model !== undefined)
    throw wrong(`${model} and --model ${name} are two models`, 'leave out one of them; they are evaluated one by one');
  const {template, choiceScores, specialInPrompts = false, prefill} = flags;
  const local = {
    template: template !== undefined && template !== 'chat',
    'choice-scores': choiceScores !== 'none',
    'special-in-prompts': specialInPrompts,
    prefill: prefill !== undefined,
  };
  const [flag] = Object.entries(local).find(([, isSet]) => isSet) ?? [];
  if (flag !== undefined)
    throw wrong(
      `--${flag} is for a model of this machine: at an endpoint, the server decides that`,
      `leave out --${flag}`,
    );
  const address = endpoint ?? process.env[URL_VARIABLE] ?? '';
  if (address === '') throw wrong(`where is ${name}?`, 'say --endpoint URL, as http://127.0.0.1:8000/v1');
  const fields = request === undefined ? {} : fieldsOf(request);
  const [mistake] = requestMistakes(fields, '--request');
  if (mistake !== undefined) throw wrong(mistake);
  return {
    model: name,
    request: fields,
    keep,
    async open() {
      const {CONCURRENCY, TIMEOUT, openServer, priceIn, wordsFor} = await import('../../stages/endpoint/server.js');
      return openServer({
        address,
        key: process.env[KEY_VARIABLE],
        concurrency: Math.max(1, concurrency ?? CONCURRENCY),
        timeout: 1_000 * Math.max(1, requestTimeout ?? TIMEOUT),
        price: priceIn(price, '--price'),
        words: wordsFor({
          url: endpoint === undefined ? URL_VARIABLE : '--endpoint',
          ...{key: KEY_VARIABLE, model: '--model', timeout: '--request-timeout', request: '--request'},
        }),
      });
    },
  };
}

/** What it holds is checked with the other options. */
function fieldsOf(text: string): RequestFields {
  try {
    return JSON.parse(text) as RequestFields;
  } catch (error) {
    throw new UserError('bad-argument', `--request is no JSON: ${(error as Error).message}`, {
      hint: `say --request '{"seed": null}'`,
    });
  }
}
