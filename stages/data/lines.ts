/**
 * Lines of JSON Lines. They end at a line feed and nowhere else: Node's readline also breaks them at U+2028 and U+2029 since
 * version 24, which JSON writes as they are, and so would a stage that was trained for hours end over one of its own samples.
 */

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * The lines that end in each piece of a file, without their ends; what lies behind the last line feed comes at the end. Each
 * byte is looked at once, however long a line is.
 */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[], void, undefined> {
  let begun: Buffer[] = [];
  for await (const piece of pieces) {
    const data = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const lines: string[] = [];
    let from = 0;
    for (let end = data.indexOf(LINE_FEED); end >= 0; end = data.indexOf(LINE_FEED, from)) {
      lines.push(textOf([...begun, data.subarray(from, end)]));
      begun = [];
      from = end + 1;
    }
    if (from < data.length) begun.push(data.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (begun.length > 0) yield [textOf(begun)];
}

/** Not before the line is whole: a character may lie across two pieces. */
function textOf(parts: readonly Buffer[]): string {
  const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return whole.toString('utf8', 0, whole.at(-1) === CARRIAGE_RETURN ? whole.length - 1 : whole.length);
}
