/** The params of a stage that may have a model at an endpoint answer; light, since a recipe that is only planned loads it. */
import {described, textLike} from '../../pipeline/params.js';
import type {Json} from '../../pipeline/params.js';

/** Fields of a request beside those that r1 fills in. */
export type RequestFields = Readonly<Record<string, Json>>;

/** What a stage is told of an endpoint. Where it is, how fast it may be asked and what it costs is the environment's to say. */
export interface EndpointParams {
  /** The model, as the server calls it; '' where the model is one that is wired. */
  readonly endpoint: string;
  /** Which server: the word in the names of its variables, as `teacher` in `R1_TEACHER_URL`. */
  readonly endpointServer: string;
  /** Fields of each request beside what the other params say, sent as they are; null leaves one of ours out. */
  readonly endpointRequest: RequestFields;
}

/** These as params: by default no endpoint. @param server the word of the stage's own server */
export const endpointParams = (server: string) => ({
  endpoint: described(
    '',
    'The model at an endpoint that answers in the place of one that is wired, as the server calls it; "" for none.',
  ),
  endpointServer: described(
    server,
    'Which endpoint: the word in its variables, R1_…_URL, …_API_KEY.',
    textLike(SERVER, 'a word of small letters, digits and “-”, at most 40'),
  ),
  endpointRequest: described<RequestFields>(
    {},
    'Fields of each request, beside what the other params say; null leaves one out: {"seed": null}.',
    {should: 'a record of fields'},
  ),
});

/** Names of the variables that say where a server is, and how it is asked. */
export interface ServerVariables {
  readonly url: string;
  readonly key: string;
  readonly concurrency: string;
  readonly timeout: string;
  readonly price: string;
}

/** @param server the word of a server, as a param has it */
export function variablesOf(server: string): ServerVariables {
  const word = server.toUpperCase().replaceAll('-', '_');
  return {
    url: `R1_${word}_URL`,
    // Not R1_…: every stage is handed those, also one that is somebody else's program.
    key: `${word}_API_KEY`,
    concurrency: `R1_${word}_CONCURRENCY`,
    timeout: `R1_${word}_TIMEOUT`,
    price: `R1_${word}_PRICE`,
  };
}

/** Fields that are r1's to fill in. */
const OURS = ['model', 'messages', 'n'];
/** Fields that other params say. */
const SAID: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'topP',
  max_tokens: 'maxNewTokens',
  stop: 'stop',
  seed: 'seed of the run',
};
const SERVER = /^[a-z][a-z0-9-]{0,39}$/;

/** What is wrong with fields of a request, each mistake a sentence. @param name what a person calls them */
export function requestMistakes(request: unknown, name: string): string[] {
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    return [`${name} is a record of fields`];
  const given = Object.entries(request);
  return [
    ...OURS.filter((field) => Object.hasOwn(request, field)).map(
      (field) => `${name}.${field}: this field is filled in by r1`,
    ),
    ...given
      .filter(([field, value]) => Object.hasOwn(SAID, field) && value !== null)
      .map(([field]) => `${name}.${field}: ${SAID[field]!} says it; null leaves the field out`),
  ];
}

/**
 * What is wrong where a stage takes a model by one of its ports or by an endpoint, each mistake a sentence.
 *
 * @param options.port that takes the model
 * @param options.inputs the ports that are wired
 * @param options.template of the prompts: an endpoint has its own, so any other than these cannot be asked for
 */
export function endpointMistakes(
  params: EndpointParams & {readonly prefill?: string; readonly template?: string},
  {
    port,
    inputs,
    templates,
  }: {readonly port: string; readonly inputs: readonly string[]; readonly templates: readonly string[]},
): string[] {
  const {endpoint, endpointServer, endpointRequest, prefill = '', template = 'chat'} = params;
  const {url} = variablesOf(endpointServer);
  if (endpoint === '')
    return [
      ...(inputs.includes(port)
        ? []
        : [
            `nothing answers the prompts: wire a model to “${port}”, or name one that a server has, ` +
              `{endpoint: 'NAME'} with the server's address in ${url}`,
          ]),
      ...(Object.keys(endpointRequest).length === 0
        ? []
        : ['endpointRequest is for an endpoint, and endpoint names no model']),
    ];
  return [
    ...(inputs.includes(port)
      ? [`endpoint names the model ${endpoint}, and “${port}” is wired: one of the two answers, leave out the other`]
      : []),
    ...requestMistakes(endpointRequest, 'endpointRequest'),
    ...(templates.includes(template)
      ? []
      : [`template ${template}: an endpoint puts questions into the template of its model; leave out template`]),
    ...(prefill === ''
      ? []
      : ['prefill: an endpoint begins its answers itself; leave out prefill, or put it into the question']),
  ];
}

/**
 * What a plan says of a stage that asks an endpoint: what is sent away, and what that means for the result.
 *
 * @param requests how many there are, in words
 */
export const endpointCautions = ({endpoint, endpointServer}: EndpointParams, requests: string): string[] =>
  endpoint === ''
    ? []
    : [
        `questions are sent to the model ${endpoint} at the address in ${variablesOf(endpointServer).url}: one request for each ` +
          `answer, ${requests}, and more where one has to be repeated`,
        `what ${endpoint} answers is not a function of inputs, params and code: made again, this node may come out otherwise`,
      ];
