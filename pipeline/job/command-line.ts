/** The command line of a stage that is a program. What `argv` does wrong is the recipe's mistake, and nothing is started. */
import {fileURLToPath} from 'node:url';
import {shown} from '../values/printable.js';
import {placeOf, placeText} from '../modules/source/source-location.js';

/** Bytes of one word of a command line, the zero behind it included: Linux takes no longer one. */
const MOST_WORD = 128 << 10;

/** What `argv` returns, in the words that a system call takes. @throws UnusableCommand that says what it is instead */
export function commandLine(argv: () => unknown): readonly string[] {
  let words: unknown;
  try {
    words = argv();
  } catch (error) {
    const place = placeOf(error);
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new UnusableCommand(`its argv threw ${said}${place === undefined ? '' : ` (${placeText(place)})`}`);
  }
  if (!Array.isArray(words)) throw new UnusableCommand(`its argv returned ${shown(words)}, not a list of words`);
  if (words.length === 0) throw new UnusableCommand('its argv returned no words, the first of which is the program');
  return Array.from(words as readonly unknown[], (word, index) => {
    const which = index === 0 ? 'the program' : `word ${index}`;
    if (!(word instanceof URL) && typeof word !== 'string' && typeof word !== 'number') {
      throw new UnusableCommand(`its argv returned ${shown(word)} as ${which}, not a string, a number or a file URL`);
    }
    if (word instanceof URL && word.protocol !== 'file:') {
      throw new UnusableCommand(`its argv returned ${word.href} as ${which}; of URLs only those of files have a path`);
    }
    const text = word instanceof URL ? fileURLToPath(word) : String(word);
    if (index === 0 && text === '') throw new UnusableCommand('its argv returned an empty string as the program');
    if (text.includes('\0')) {
      throw new UnusableCommand(`its argv returned ${shown(text)} as ${which}, which holds a NUL character`);
    }
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes > MOST_WORD) {
      throw new UnusableCommand(
        `its argv returned ${shown(text)} as ${which}, which has ${bytes.toLocaleString('en')} bytes; ` +
          `the system takes ${MOST_WORD.toLocaleString('en')} (write it to a file in \`scratch\`, or hand it on as an input)`,
      );
    }
    return text;
  });
}

/** A mistake in the stage's own `argv`: nothing was started. */
export class UnusableCommand extends Error {
  override readonly name = 'UnusableCommand';
}
