/** Words as a person types them at a shell. */
import {oneLine} from '../terminal/paint.js';

/** As it is where it has letters and such alone, else in quotes. */
export const typed = (word: string): string =>
  /^[\w:.@%+/-]+$/.test(word) ? word : `'${oneLine(word).replaceAll("'", "'\\''")}'`;
