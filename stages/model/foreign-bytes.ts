/** What a file is that a download or a clone has left in the place of another. */

const STARTS: readonly (readonly [start: RegExp, what: string])[] = [
  [
    /^version https:\/\/git-lfs\.github\.com\/spec\//,
    'is a Git LFS pointer of a few lines, not the file itself; `git lfs pull` in the clone fetches it',
  ],
  [/^\s*<(?:!doctype|html)/i, 'is an HTML page, which is what a failed download leaves; fetch it again'],
  [/^PK\x03\x04/, 'is a zip file (PyTorch saves such); a conversion to safetensors is needed'],
  // A safetensors file may begin with these bytes, too: the length of its header, with `{` behind it.
  [/^\x80[\x02-\x05](?!.{6}\{)/s, 'is a Python pickle (PyTorch saves such); a conversion to safetensors is needed'],
  [/^GGUF/, 'is a GGUF file under another name'],
];

/**
 * @param start the first bytes of the file, 64 or more where it has so many
 * @returns what it is, as the rest of a sentence that begins with its name; undefined where nothing speaks against it
 */
export function notWhatItShouldBe(start: Uint8Array): string | undefined {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.byteLength, 64)).toString('latin1');
  return STARTS.find(([pattern]) => pattern.test(text))?.[1];
}
