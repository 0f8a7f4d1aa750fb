/** Words as a person types them at a shell, and as a sentence lists them. */
import {oneLine} from '../terminal/paint.js';

/** As it is where it has letters and such alone, else in quotes. */
export const typed = (word: string): string =>
  /^[\w:.@%+/-]+$/.test(word) ? word : `'${oneLine(word).replaceAll("'", "'\\''")}'`;

/** `a, b and c` */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
