/** What a file is that a download or a clone has left in the place of another. */

type Start = readonly [start: RegExp, what: string];

const DOWNLOADS: readonly Start[] = [
  [
    /^version https:\/\/git-lfs\.github\.com\/spec\//,
    'is a Git LFS pointer of a few lines, not the file itself; `git lfs pull` in the clone fetches it',
  ],
  [/^\s*<(?:!doctype|html)/i, 'is an HTML page, which is what a failed download leaves; fetch it again'],
];

const STARTS: readonly Start[] = [
  ...DOWNLOADS,
  [/^PK\x03\x04/, 'is a zip file (PyTorch saves such); a conversion to safetensors is needed'],
  // A safetensors file may begin with these bytes, too: the length of its header, with `{` behind it.
  [/^\x80[\x02-\x05](?!.{6}\{)/s, 'is a Python pickle (PyTorch saves such); a conversion to safetensors is needed'],
  [/^GGUF/, 'is a GGUF file under another name'],
];

/**
 * @param start the first bytes of the file, 64 or more where it has so many
 * @returns what it is, as the rest of a sentence that begins with its name; undefined where nothing speaks against it
 */
export const notWhatItShouldBe = (start: Uint8Array): string | undefined => begunBy(start, STARTS);

/** The same, of any kind of file: what a download or a clone leaves. */
export const leftByDownload = (start: Uint8Array): string | undefined => begunBy(start, DOWNLOADS);

function begunBy(start: Uint8Array, starts: readonly Start[]): string | undefined {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.byteLength, 64)).toString('latin1');
  return starts.find(([pattern]) => pattern.test(text))?.[1];
}
