/** What a person should hear of the answers of a server: tokens, money, what went another way than asked. */
import type {Served, Usage} from './served.js';
import type {Price, Server} from './server.js';

const PER = 1_000_000;

/** What tokens cost, in the money of the price. */
export const costOf = ({promptTokens, completionTokens}: Usage, price: Price): number =>
  (promptTokens * price.prompt + completionTokens * price.completion) / PER;

/** Finishes → what is said of them, behind “3 of 128 answers”. */
const TOLD: Readonly<Record<string, string>> = {
  length: 'were cut off at maxNewTokens',
  content_filter: 'were filtered out by the server',
  tool_calls: 'are calls of tools, of which there are none',
  refused: 'were refused',
  'too-long': 'are longer than is read',
};

/** One line each. */
export function usageNotes(usage: Usage, {price, words}: Pick<Server, 'price' | 'words'>): string[] {
  const {model, answeredBy, promptTokens, completionTokens, uncounted, finish} = usage;
  const answers = Object.values(finish).reduce((sum, count) => sum + count, 0);
  const others = Object.entries(answeredBy).filter(([name]) => name !== model && name !== '');
  const count = (tokens: number): string => tokens.toLocaleString('en');
  return [
    `${answers} answers by ${model}: ${count(promptTokens)} tokens of prompts, ${count(completionTokens)} of answers` +
      (price === undefined
        ? ''
        : `, ${costOf(usage, price).toFixed(2)} at the price of ${price.prompt}/${price.completion}`),
    ...(uncounted === 0 ? [] : [`the server did not count the tokens of ${uncounted} answers`]),
    ...others.map(
      ([name, times]) =>
        `${times} of ${answers} answers came from a model that the server calls ${name}, not ${model}: look at ${words.model}`,
    ),
    ...Object.entries(finish).flatMap(([end, times]) =>
      Object.hasOwn(TOLD, end) ? [`${times} of ${answers} answers ${TOLD[end]!}`] : [],
    ),
  ];
}

/** What is told of answers without a word: a person may have to look at the server. */
export function emptyNote(answers: readonly Served[]): string | undefined {
  const empty = answers.filter(({completion, served}) => completion.text === '' && !Object.hasOwn(TOLD, served.finish));
  return empty.length === 0 ? undefined : `${empty.length} of ${answers.length} answers are empty`;
}
