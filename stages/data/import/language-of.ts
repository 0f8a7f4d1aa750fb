/** Languages as files name them: `en`, `eng`, `en-US`, `English`. */
import {LANGUAGES} from '../../text/language.js';
import type {Language} from '../../text/language.js';

/** The language that a code (ISO 639-1 or -3, BCP 47) or an English name means; `undefined` where it is none of those that are known. */
export function languageOf(said: string): Language | undefined {
  const text = said.trim().replaceAll('_', '-');
  const byName = LANGUAGES.find((one) => NAMES.of(one)?.toLowerCase() === text.toLowerCase());
  return byName ?? LANGUAGES.find((one) => one === codeOf(text));
}

const NAMES = new Intl.DisplayNames(['en'], {type: 'language'});

function codeOf(text: string): string | undefined {
  try {
    // Makes `eng` and `en-US` the code `en`, `zho` and `cmn` `zh`.
    return new Intl.Locale(text).language;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
