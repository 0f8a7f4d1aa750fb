/**
 * JSON Lines, as bytes: whoever reads a file hands its pieces in, whoever writes one takes lines from here. A line ends at a
 * line feed and nowhere else: Node's readline also breaks them at U+2028 and U+2029 since version 24, which JSON writes as they
 * are, and so would a stage that was trained for hours end over one of its own samples.
 *
 * Stages write their outputs with this, so it counts in their code digests: it imports nothing of the store's.
 */

/** A line that is not JSON. Whoever knows the file names it. */
export class JsonLinesError extends Error {
  override readonly name = 'JsonLinesError';

  /**
   * @param line counted from 1
   * @param why what the parser said
   */
  constructor(
    readonly line: number,
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(`line ${line} is not JSON: ${why}`, options);
  }
}

/** Takes the pieces of a file in their order, however it is cut, and then its end. */
export interface LinesReader {
  take(piece: Uint8Array): void;
  /** What lies behind the last line feed is a line, unless it is nothing. */
  end(): void;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * Calls `onLine` with each line, without its end, and its number, counted from 1. Each byte is looked at once, however long a
 * line is.
 */
export function openLinesReader(onLine: (text: string, line: number) => void): LinesReader {
  let begun: Buffer[] = [];
  let line = 0;
  return {
    take(piece) {
      const data = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      let from = 0;
      for (let end = data.indexOf(LINE_FEED); end >= 0; end = data.indexOf(LINE_FEED, from)) {
        const text = textOf([...begun, data.subarray(from, end)]);
        begun = [];
        from = end + 1;
        onLine(text, ++line);
      }
      // A copy: the piece may be overwritten by the next one.
      if (from < data.length) begun.push(Buffer.from(data.subarray(from)));
    },
    end() {
      if (begun.length > 0) onLine(textOf(begun), ++line);
      begun = [];
    },
  };
}

/** Not before the line is whole: a character may lie across two pieces. */
function textOf(parts: readonly Buffer[]): string {
  const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return whole.toString('utf8', 0, whole.at(-1) === CARRIAGE_RETURN ? whole.length - 1 : whole.length);
}

/**
 * Calls `onRow` with each row and the number of its line. Blank lines are not rows; `only` looks at the text of a line
 * first, as parsing is what takes the time. @throws JsonLinesError from `take` and `end`
 */
export function openRowsReader(
  onRow: (row: unknown, line: number) => void,
  only: (text: string) => boolean = () => true,
): LinesReader {
  return openLinesReader((text, line) => {
    if (text.trim() === '' || !only(text)) return;
    onRow(parse(text, line), line);
  });
}

function parse(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonLinesError(line, (error as Error).message, {cause: error});
  }
}

/** A row as a line, with its end. Equal rows whose keys are in the same order give equal bytes. */
export const rowLine = (row: object): string => `${JSON.stringify(row)}\n`;
