/**
 * From tokens back to text, as the `decoder` part of a tokenizer.json says. Written after the behavior of Hugging Face's
 * Rust library (https://github.com/huggingface/tokenizers, `tokenizers/src/decoders`), which is the reference;
 * @huggingface/tokenizers differs from it in bytes that are no UTF-8 and in leading Metaspace marks.
 */

/** A part of a tokenizer.json: a type and its options. */
export interface Part {
  readonly type: string;
  readonly [option: string]: unknown;
}

type Chain = (tokens: readonly string[]) => readonly string[];

/** Why a part cannot be computed here; the caller names the file. */
export class UnknownPart extends Error {}

/** @throws {UnknownPart} for a decoder that is not implemented */
export function decoderOf(part: Part | null): (tokens: readonly string[]) => string {
  if (part === null) return (tokens) => tokens.join(' ');
  const chain = chainOf(part);
  return (tokens) => chain(tokens).join('');
}

function chainOf(part: Part): Chain {
  switch (part.type) {
    case 'Sequence': {
      const parts = (part['decoders'] as readonly Part[]).map(chainOf);
      return (tokens) => parts.reduce((given, one) => one(given), tokens);
    }
    case 'ByteLevel':
      return (tokens) => [lossy(Uint8Array.from(tokens.flatMap(bytesOf)))];
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'ByteFallback':
      return byteFallback;
    case 'Metaspace':
      return metaspace(part);
    case 'Strip':
      return strip(part);
    case 'Replace': {
      const {pattern, content} = part as {pattern?: {String?: unknown}; content?: unknown};
      const from = pattern?.String;
      if (typeof from !== 'string' || from === '' || typeof content !== 'string')
        throw new UnknownPart('decoder “Replace” with a pattern that is no text');
      return (tokens) => tokens.map((token) => token.replaceAll(from, () => content));
    }
    default:
      throw new UnknownPart(`decoder “${part.type}”`);
  }
}

/** A byte of UTF-8 by the character that stands for it in a byte-level vocabulary (GPT-2's `bytes_to_unicode`). */
const BYTES: ReadonlyMap<string, number> = byteAlphabet();

function byteAlphabet(): Map<string, number> {
  const isShown = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const map = new Map<string, number>();
  let others = 0;
  for (let byte = 0; byte < 256; byte++) {
    map.set(String.fromCharCode(isShown(byte) ? byte : 256 + others++), byte);
  }
  return map;
}

/** A token that holds a character of no byte (an added token, `<｜User｜>` say) is text as it is. */
function bytesOf(token: string): number[] {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTES.get(character);
    if (byte === undefined) return [...new TextEncoder().encode(token)];
    bytes.push(byte);
  }
  return bytes;
}

const lossy = (bytes: Uint8Array): string => new TextDecoder('utf-8', {ignoreBOM: true}).decode(bytes);

/** Runs of `<0x…>` are bytes of UTF-8; a run that is none becomes one U+FFFD for each byte. */
const byteFallback: Chain = (tokens) => {
  const texts: string[] = [];
  let run: number[] = [];
  const flush = (): void => {
    if (run.length === 0) return;
    try {
      texts.push(new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(Uint8Array.from(run)));
    } catch {
      texts.push(...run.map(() => '\uFFFD'));
    }
    run = [];
  };
  for (const token of tokens) {
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (hex !== undefined) run.push(Number.parseInt(hex, 16));
    else {
      flush();
      texts.push(token);
    }
  }
  flush();
  return texts;
};

function metaspace(part: Part): Chain {
  const replacement = (part['replacement'] as string | undefined) ?? '\u2581';
  const scheme = prependScheme(part);
  return (tokens) => tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' '));
}

/** Older files say `add_prefix_space` in its place. */
export const prependScheme = (part: Part): string =>
  (part['prepend_scheme'] as string | undefined) ?? (part['add_prefix_space'] === false ? 'never' : 'always');

/** Up to `start` times `content` from the beginning of each token, and up to `stop` times from its end. */
function strip(part: Part): Chain {
  const {content, start, stop} = part as unknown as {content: string; start: number; stop: number};
  return (tokens) =>
    tokens.map((token) => {
      const characters = Array.from(token);
      let from = 0;
      while (from < start && characters[from] === content) from++;
      let to = characters.length;
      while (characters.length - to < stop && to > from && characters[to - 1] === content) to--;
      return characters.slice(from, to).join('');
    });
}
