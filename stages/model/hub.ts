/**
 * The door to @huggingface/hub: the files of a model at one commit of a hub, each checked against the hub's own list (SHA-256 of
 * those in LFS, git's SHA-1 of the others). Only what a model folder needs is fetched.
 */
import {createHash} from 'node:crypto';
import {createWriteStream} from 'node:fs';
import {mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import type * as Hub from '@huggingface/hub';
import {StageFailure} from '../../pipeline/stage.js';

/** Which files, and from where. */
export interface HubModel {
  /** `organization/name`. */
  readonly repo: string;
  /** Forty hexadecimal digits: what a branch or tag leads to may be another model tomorrow. */
  readonly commit: string;
  /** Address of the hub or a mirror. */
  readonly endpoint: string;
  readonly token?: string | undefined;
}

const SMALL_FILES = new Set([
  'config.json',
  'generation_config.json',
  'model.safetensors.index.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'vocab.json',
  'merges.txt',
]);
const isNeeded = (path: string): boolean => SMALL_FILES.has(path) || /^model(-\d+-of-\d+)?\.safetensors$/.test(path);

const TRIES = 4;
/** Of a network that is not there, or a host that does not listen: to try again would only take time. */
const NOBODY_THERE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH']);

/**
 * Fetches a model into `folder`.
 * @returns how many files and bytes
 * @throws {StageFailure} where the hub cannot be reached, refuses, lacks the model, or sends other bytes than it lists
 */
export async function fetchModel(
  {repo, commit, endpoint, token}: HubModel,
  folder: string,
  stop: AbortSignal,
): Promise<{files: number; bytes: number}> {
  const hub = await import('@huggingface/hub');
  const called = `${repo} at ${commit.slice(0, 12)}`;
  const hubUrl = endpoint.replace(/\/+$/, '');
  // The package takes tokens of one spelling only; a mirror's may look otherwise. No other host is shown it.
  const ask: typeof fetch = (url, init) => {
    const headers = new Headers(init?.headers);
    const address = url instanceof Request ? url.url : url;
    if (token !== undefined && new URL(address).origin === new URL(hubUrl).origin)
      headers.set('authorization', `Bearer ${token}`);
    return fetch(url, {...init, headers, signal: stop});
  };
  const given = {repo, revision: commit, hubUrl, fetch: ask};
  const failed = (error: unknown): unknown => failureOf(error, {called, endpoint, token: token !== undefined, stop});
  const files: Hub.ListFileEntry[] = [];
  try {
    for await (const file of hub.listFiles(given)) if (file.type === 'file' && isNeeded(file.path)) files.push(file);
  } catch (error) {
    throw failed(error);
  }
  if (!files.some(({path}) => path.endsWith('.safetensors')))
    throw new StageFailure(`${called} holds no model.safetensors, which is what can be read; convert it first`);
  await mkdir(folder, {recursive: true});
  // Small files first: a model that cannot be read is found out before its weights have come.
  files.sort((a, b) => a.size - b.size || (a.path < b.path ? -1 : 1));
  for (const file of files) {
    await fetchFile(file, {
      folder,
      called,
      stop,
      failed,
      open: () => hub.downloadFile({...given, path: file.path, xet: false}),
    });
  }
  return {files: files.length, bytes: files.reduce((sum, {size}) => sum + size, 0)};
}

interface Fetching {
  readonly folder: string;
  readonly called: string;
  readonly stop: AbortSignal;
  failed(error: unknown): unknown;
  open(): Promise<Blob | null>;
}

/** One file, resumed where a connection broke, and checked as a whole. */
async function fetchFile(file: Hub.ListFileEntry, {folder, called, stop, failed, open}: Fetching): Promise<void> {
  const target = join(folder, file.path);
  let done = 0;
  for (let tries = 1; ; tries++) {
    const before = done;
    try {
      const blob = (await open()) ?? refuse(`${called} lists ${file.path} and does not have it`);
      if (blob.size !== file.size)
        refuse(`${called}: ${file.path} has ${blob.size} bytes, and the hub’s list says ${file.size}`);
      const rest = done === 0 ? blob : blob.slice(done);
      const counted = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of rest.stream() as unknown as AsyncIterable<Uint8Array>) {
          yield piece;
          done += piece.byteLength;
        }
      };
      await pipeline(counted, createWriteStream(target, {flags: before === 0 ? 'w' : 'r+', start: before}), {
        signal: stop,
      });
      break;
    } catch (error) {
      const said = failed(error);
      if (said instanceof StageFailure || stop.aborted || tries === TRIES) throw said;
    }
  }
  await check(file, target, called);
}

async function check({path, size, oid, lfs}: Hub.ListFileEntry, target: string, called: string): Promise<void> {
  const bytes = await readFile(target);
  const found =
    lfs === undefined
      ? createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
      : createHash('sha256').update(bytes).digest('hex');
  const wanted = lfs?.oid ?? oid;
  if (bytes.length !== size || found !== wanted)
    refuse(
      `${called}: what came for ${path} is not what the hub lists (${found.slice(0, 12)}, not ${String(wanted).slice(0, 12)})`,
    );
}

function refuse(problem: string): never {
  throw new StageFailure(problem);
}

/** What a person can do about it, or the error itself where it may pass by itself. */
function failureOf(
  error: unknown,
  {
    called,
    endpoint,
    token,
    stop,
  }: {readonly called: string; readonly endpoint: string; readonly token: boolean; readonly stop: AbortSignal},
): unknown {
  if (stop.aborted || error instanceof StageFailure) return error;
  const {statusCode, cause} = error as {statusCode?: number; cause?: {code?: string; message?: string}};
  // An address that fetch itself refuses, as of a forbidden port, has no code and does not get better by trying again.
  const unreachable =
    cause?.code === undefined
      ? error instanceof TypeError && cause?.message
      : NOBODY_THERE.has(cause.code) && cause.code;
  if (typeof unreachable === 'string')
    return new StageFailure(
      `${endpoint} cannot be reached (${unreachable}): fetch ${called} where there is a network, or import a folder`,
    );
  if (statusCode === 401 || statusCode === 403)
    return new StageFailure(
      `${endpoint} does not give out ${called} (${statusCode}): ${token ? 'the token in HF_TOKEN may not read it' : 'it may need a token; hand on HF_TOKEN with passEnv'}`,
    );
  if (statusCode === 404) return new StageFailure(`${endpoint} has no ${called}`);
  if (statusCode !== undefined && statusCode < 500)
    return new StageFailure(`${endpoint} answered ${statusCode} for ${called}`);
  return error;
}
