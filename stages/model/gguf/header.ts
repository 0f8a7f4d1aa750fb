/**
 * The door to @huggingface/gguf: opens a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), checks what
 * its header claims against the file, and says where each tensor lies. The package reads past the end of a short file as
 * zeros and past wrong magic as an exception, so both are looked at here, before and after.
 */
import {open} from 'node:fs/promises';
import {basename} from 'node:path';
import {gguf} from '@huggingface/gguf';
import {StageFailure} from '../../../pipeline/stage.js';
import {Metadata} from './metadata.js';
import {storageOf, typeName} from './tensor-types.js';

/** One tensor as the header describes it, checked. */
export interface GgufTensor {
  readonly name: string;
  /** Number of the ggml type; `tensor-types.ts` knows it. */
  readonly type: number;
  /** The outermost dimension first, as safetensors have it; GGUF writes them the other way round. */
  readonly shape: readonly number[];
  /** Where its bytes begin in the file, and how many there are. */
  readonly begin: number;
  readonly bytes: number;
}

export interface GgufHeader {
  readonly metadata: Metadata;
  /** By name. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** What other files that end up under this name begin with, and what to say of them. */
const OTHER_FILES: readonly (readonly [begins: string, what: string])[] = [
  ['version https://git-lfs', 'it is a Git LFS pointer; fetch the file itself (git lfs pull)'],
  ['<!DOCTYPE', 'it is a web page; download the file itself'],
  ['<html', 'it is a web page; download the file itself'],
  ['lmgg', 'it is of a format before GGUF (ggml); convert it with a llama.cpp of 2023, or get the GGUF file'],
  ['tjgg', 'it is of a format before GGUF (ggjt); convert it with a llama.cpp of 2023, or get the GGUF file'],
  ['fmgg', 'it is of a format before GGUF (ggmf); convert it with a llama.cpp of 2023, or get the GGUF file'],
];

/** Of the format: magic, version, and the two counts. */
const PREAMBLE_BYTES = 24;

/**
 * Reads and checks the header.
 * @param called what messages call the file; its path unless given
 * @throws {StageFailure} naming the file, and the tensor or key where there is one
 */
export async function readGgufHeader(file: string, called = file): Promise<GgufHeader> {
  const refuse = (problem: string): never => {
    throw new StageFailure(`${called}${problem.startsWith(':') ? '' : ' '}${problem}`);
  };
  const {bytes, beginning} = await readPreamble(file, called);
  checkPreamble(bytes, beginning, refuse);

  let parsed: Awaited<ReturnType<typeof gguf>>;
  try {
    parsed = await gguf(file, {allowLocalFile: true});
  } catch (error) {
    return refuse(`is not a GGUF file that can be read: ${(error as Error).message}`);
  }
  const [, headerEnd] = parsed.tensorInfoByteRange;
  if (headerEnd > bytes) refuse(`is truncated: its header alone takes ${headerEnd} bytes, and it has ${bytes}`);
  const {version, tensor_count: tensorCount, kv_count: keys, ...values} = parsed.metadata as Record<string, unknown>;
  if (BigInt(Object.keys(values).length) !== keys)
    refuse(
      `(GGUF version ${String(version)}) says ${String(keys)} keys and has ${Object.keys(values).length} different ones`,
    );
  const metadata = new Metadata(values, called);
  const parts = metadata.integer('split.count', 0);
  if (parts > 1) {
    refuse(
      `is one of ${parts} parts of a model; join them first: llama-gguf-split --merge ${basename(file)} whole.gguf, with the first part`,
    );
  }

  const alignment = metadata.integer('general.alignment', 32);
  if (alignment < 8 || (alignment & (alignment - 1)) !== 0)
    refuse(`has general.alignment ${alignment}, which is not a power of two from 8 on`);
  const start = Number(parsed.tensorDataOffset);
  const tensors = new Map<string, GgufTensor>();
  for (const {name, shape, dtype, offset} of parsed.tensorInfos) {
    if (tensors.has(name)) refuse(`holds tensor “${name}” twice`);
    const sizes = shape.map(Number).reverse();
    const {block, bytes: blockBytes} =
      storageOf(dtype) ??
      refuse(
        `: tensor “${name}” is of type ${typeName(dtype)}, which cannot be read here; get the model in another quantization`,
      );
    const row = sizes.at(-1) ?? 1;
    if (row % block !== 0)
      refuse(`: rows of tensor “${name}” have ${row} values, which is no multiple of ${typeName(dtype)}’s ${block}`);
    const count = sizes.reduce((product, size) => product * size, 1);
    const tensor = {
      name,
      type: dtype,
      shape: sizes,
      begin: start + Number(offset),
      bytes: (count / block) * blockBytes,
    };
    if (tensor.begin % alignment !== 0) refuse(`: tensor “${name}” does not begin at a multiple of ${alignment} bytes`);
    if (!(tensor.begin + tensor.bytes <= bytes)) {
      refuse(`is truncated: tensor “${name}” ends at byte ${tensor.begin + tensor.bytes}, and the file has ${bytes}`);
    }
    tensors.set(name, tensor);
  }
  if (BigInt(tensors.size) !== tensorCount) refuse(`says ${String(tensorCount)} tensors and has ${tensors.size}`);
  checkOverlap([...tensors.values()], refuse);
  return {metadata, tensors};
}

async function readPreamble(file: string, called: string): Promise<{bytes: number; beginning: Buffer}> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    const {code, message} = error as NodeJS.ErrnoException;
    throw new StageFailure(`${called}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  });
  try {
    const {size} = await handle.stat();
    const beginning = Buffer.alloc(Math.min(size, PREAMBLE_BYTES));
    await handle.read(beginning, 0, beginning.length, 0);
    return {bytes: size, beginning};
  } finally {
    await handle.close();
  }
}

function checkPreamble(bytes: number, beginning: Buffer, refuse: (problem: string) => never): void {
  const text = beginning.toString('latin1');
  if (!text.startsWith('GGUF')) {
    const other = OTHER_FILES.find(([begins]) => begins.startsWith(text) || text.startsWith(begins));
    refuse(
      `is not a GGUF file: ${text === '' ? 'it is empty' : (other?.[1] ?? 'it does not begin with the four letters GGUF')}`,
    );
  }
  if (bytes < PREAMBLE_BYTES) refuse(`is truncated: ${bytes} bytes are too few for a GGUF file`);
  const version = beginning.readUInt32LE(4);
  if ((version & 0xffff) === 0) refuse('is a big-endian GGUF file; only little-endian ones can be read');
  if (version === 1) refuse('is of GGUF version 1 (of August 2023); only versions 2 and 3 can be read');
  if (version > 3) refuse(`is of GGUF version ${version}; versions 2 and 3 can be read`);
}

function checkOverlap(tensors: readonly GgufTensor[], refuse: (problem: string) => never): void {
  let last: GgufTensor | undefined;
  for (const tensor of [...tensors].sort((a, b) => a.begin - b.begin || a.bytes - b.bytes)) {
    if (last !== undefined && tensor.begin < last.begin + last.bytes)
      refuse(`: tensors “${last.name}” and “${tensor.name}” overlap`);
    last = tensor;
  }
}
