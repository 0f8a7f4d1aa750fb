/** What is different between two artifacts: files, and inside them tensors and rows. Reads blobs of the store only. */
import {posix} from 'node:path';
import type {Digest} from '../digest.js';
import type {Artifact} from '../records.js';
import {diffRows} from './diff-rows.js';
import type {RowsDifference} from './diff-rows.js';
import {diffTensors, readTensorHeader} from './diff-tensors.js';
import type {StoredTensor, TensorsDifference} from './diff-tensors.js';
import type {HasParts} from '../parts.js';
import type {Lineage} from '../facts/read.js';

/** What differs between artifacts `a` and `b`; paths are relative to them. */
export interface ArtifactDifference {
  /** Files of `b` alone. */
  readonly added: readonly string[];
  /** Files of `a` alone. */
  readonly gone: readonly string[];
  /** Files of both, with other bytes. */
  readonly changed: readonly string[];
  /** Files of both that can be executed in one of them only: in `b` where it says so, else in `a`. */
  readonly modes: readonly {readonly path: string; readonly executable: boolean}[];
  /**
   * Over all .safetensors files of a folder together, so that it does not matter how they are split. A folder that only one of the two
   * has is another model, and is compared with nothing; the names of tensors below the top have the folder before them.
   */
  readonly tensors: TensorsDifference | undefined;
  /** By .jsonl file that both have and that differs. */
  readonly rows: Readonly<Record<string, RowsDifference>>;
  /** Files that could not be looked into because their bytes are not in the store. */
  readonly missing: readonly string[];
}

/**
 * What differs between two artifacts, down to tensors and rows. Reads the bytes of files that differ.
 *
 * @throws UserError not-found for a digest that the store does not know; bad-argument for a file that is not what its
 * name says
 */
export async function diffArtifacts(store: Lineage & HasParts, a: Digest, b: Digest): Promise<ArtifactDifference> {
  const {files, blobs} = store.parts;
  const [left, right] = [load(store, a), load(store, b)];
  const [inA, inB] = [byPath(left), byPath(right)];
  const changed = [...inA.keys()].filter((path) => inB.has(path) && inA.get(path)!.sha256 !== inB.get(path)!.sha256);
  const missing = new Set<string>();
  const blobOf = (artifact: ReturnType<typeof byPath>, path: string): string | undefined => {
    const {sha256, bytes} = artifact.get(path)!;
    if (blobs.isPresent(sha256, bytes)) return blobs.path(sha256);
    missing.add(path);
    return undefined;
  };

  const rows: Record<string, RowsDifference> = {};
  for (const path of changed.filter((name) => name.endsWith('.jsonl'))) {
    const [x, y] = [blobOf(inA, path), blobOf(inB, path)];
    if (x !== undefined && y !== undefined) rows[path] = await diffRows(files, x, y, path);
  }

  const weights = (artifact: ReturnType<typeof byPath>): string[] =>
    [...artifact.keys()].filter((path) => path.endsWith('.safetensors'));
  const folders = new Set(weights(inA).map((path) => posix.dirname(path)));
  const shared = new Set(
    weights(inB)
      .map((path) => posix.dirname(path))
      .filter((folder) => folders.has(folder)),
  );
  const inBoth = (artifact: ReturnType<typeof byPath>): string[] =>
    weights(artifact).filter((path) => shared.has(posix.dirname(path)));
  const tensorsOf = (artifact: ReturnType<typeof byPath>): readonly StoredTensor[] =>
    inBoth(artifact).flatMap((path) => {
      const file = blobOf(artifact, path);
      if (file === undefined) return [];
      const folder = posix.dirname(path);
      const tensors = readTensorHeader(files, file, path);
      return folder === '.' ? tensors : tensors.map((tensor) => ({...tensor, name: `${folder}/${tensor.name}`}));
    });
  const weightsDiffer = [...inBoth(inA), ...inBoth(inB)].some(
    (path) => inA.get(path)?.sha256 !== inB.get(path)?.sha256,
  );
  const tensors = weightsDiffer ? diffTensors(files, tensorsOf(inA), tensorsOf(inB)) : undefined;
  return {
    added: [...inB.keys()].filter((path) => !inA.has(path)),
    gone: [...inA.keys()].filter((path) => !inB.has(path)),
    changed,
    modes: [...inB.values()].flatMap(({path, executable = false}) => {
      const before = inA.get(path);
      return before === undefined || (before.executable ?? false) === executable ? [] : [{path, executable}];
    }),
    tensors,
    rows,
    missing: [...missing].sort(),
  };
}

function load(store: Lineage, digest: Digest): Artifact {
  const artifact = store.artifact(digest);
  if (artifact === undefined) throw new Error(`Internal error: artifact ${digest} was never recorded`);
  return artifact;
}

const byPath = (artifact: Artifact) => new Map(artifact.files.map((file) => [file.path, file]));
