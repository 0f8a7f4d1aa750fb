/** A small file of an artifact as text: a card, say, that stands beside rows. */
import type {Digest} from '../digest.js';
import type {HasParts} from '../parts.js';
import type {Lineage} from '../facts/read.js';

/** Bytes; a larger file is not looked at. */
const MOST = 1 << 20;

/** The text of the file at `path` of an artifact; `undefined` where there is none, its bytes are gone, or it is no small one. */
export function smallFileOf(store: HasParts & Lineage, artifact: Digest, path: string): string | undefined {
  const {files, blobs} = store.parts;
  const file = store.artifact(artifact)?.files.find((each) => each.path === path);
  if (file === undefined || file.bytes > MOST || !blobs.isPresent(file.sha256, file.bytes)) return undefined;
  return Buffer.from(files.readRange(blobs.path(file.sha256), 0, file.bytes)).toString('utf8');
}
