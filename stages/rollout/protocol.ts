/**
 * What the process of a stage and its rollout workers say to each other: frames over one socket, each a length and a value
 * in Node's own serialisation, which keeps every bit of a float. Nothing here touches a disk.
 */
import type {Duplex} from 'node:stream';
import {deserialize, serialize} from 'node:v8';
import type {MappedWeights} from '../engine/mapped-weights.js';
import type {ModelConfig} from '../model/config.js';
import type {Chunk, GenerationOptions, Sample} from '../engine/programs/generation.js';

/** `open` comes once, then tensors, where they are not mapped, and chunks; a chunk is drawn with the newest values of every tensor. */
export type ToWorker =
  | {
      readonly type: 'open';
      readonly config: ModelConfig;
      readonly sampling: GenerationOptions;
      /** Where all tensors lie, unless they are sent. */
      readonly mapped?: MappedWeights;
    }
  | {readonly type: 'tensor'; readonly name: string; readonly values: Float32Array}
  | {readonly type: 'draw'; readonly chunk: Chunk};

export type FromWorker =
  | {readonly type: 'drawn'; readonly samples: readonly Sample[]}
  /** An error of our own code. It would come again, so nobody tries. */
  | {readonly type: 'failed'; readonly message: string};

/** Bytes of a frame's length, which is a whole number below 2^48. */
const HEADER = 6;

/** A message as it goes over the socket. */
export interface Frame {
  readonly header: Buffer;
  readonly body: Buffer;
}

/** @throws {Error} for what cannot be serialized, which is a mistake of our own: nothing was sent, so no answer will come */
export function frameOf(message: ToWorker | FromWorker): Frame {
  let body: Buffer;
  try {
    body = serialize(message);
  } catch (error) {
    throw new Error(`Internal error: a message “${message.type}” cannot be serialized: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const header = Buffer.alloc(HEADER);
  header.writeUIntLE(body.length, 0, HEADER);
  return {header, body};
}

/**
 * Resolves when the system has taken the whole frame, so that who waits never holds more than one of them; rejects when the other side
 * is gone.
 */
export function send(socket: Duplex, {header, body}: Frame): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(header);
    socket.write(body, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Calls `take` with each message that arrives, in order. The other side is this program too, so it is believed. */
export function receive(socket: Duplex, take: (message: unknown) => void): void {
  let pieces: Buffer[] = [];
  let held = 0;
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece);
    held += piece.length;
    while (held >= HEADER) {
      if (pieces[0]!.length < HEADER) pieces = [Buffer.concat(pieces)];
      const end = HEADER + pieces[0]!.readUIntLE(0, HEADER);
      if (held < end) return;
      const all = Buffer.concat(pieces);
      pieces = held > end ? [all.subarray(end)] : [];
      held -= end;
      take(deserialize(all.subarray(HEADER, end)));
    }
  });
}
