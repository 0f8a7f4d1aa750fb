/** Questions and responses as tokens, with where in them learning begins: what supervised fine-tuning is done on. */
import {StageFailure} from '../../pipeline/stage.js';
import {encodePrompt} from '../text/templates.js';
import type {TemplateName} from '../text/templates.js';
import type {Tokenizer} from '../text/tokenizer.js';
import {readRows} from './rows.js';
import {sampleRow} from './schemas.js';

/** A row as tokens: the prompt, then the response with the end token. */
export interface EncodedSample {
  readonly tokens: readonly number[];
  /** So many of them are the prompt, which is not learned. */
  readonly from: number;
}

/**
 * All rows of the datasets, one dataset behind the other.
 *
 * @param options.limit tokens that a row may have
 * @throws {StageFailure} where there are no rows, or one has more tokens than `limit`
 */
export async function encodeSamples(
  folders: readonly string[],
  {
    tokenizer,
    template,
    limit,
  }: {readonly tokenizer: Tokenizer; readonly template: TemplateName; readonly limit: number},
): Promise<EncodedSample[]> {
  const samples = (await Promise.all(folders.map((folder) => readRows(folder, sampleRow)))).flat();
  if (samples.length === 0) throw new StageFailure('the datasets hold no rows');
  return samples.map(({id, question, response}) => {
    const prompt = encodePrompt(tokenizer, template, question);
    const tokens = [...prompt, ...tokenizer.encode(response), tokenizer.eosId];
    if (tokens.length > limit) throw new StageFailure(`row ${id} has ${tokens.length} tokens, the limit is ${limit}`);
    return {tokens, from: prompt.length};
  });
}
