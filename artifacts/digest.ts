/**
 * What names bytes and facts: SHA-256 over type-tagged canonical JSON. SHA-256 on purpose, so that the digest of a
 * weight file equals the one that the model hubs show for it. Files themselves are hashed in `hash.ts`.
 */
import * as crypto from 'node:crypto';
import canonicalize from 'canonicalize';

declare const brand: unique symbol;

/** 64 lower-case hex digits of a SHA-256. Minted by `digestOf`, `sha256` and `asDigest` only. */
export type Digest = string & {readonly [brand]: 'digest'};

/** Whatever JSON can carry. */
export type Json = string | number | boolean | null | readonly Json[] | {readonly [key: string]: Json};

const HEX = /^[0-9a-f]{64}$/;

/** Whether a text is 64 lower-case hex digits. */
export const isDigest = (text: string): text is Digest => HEX.test(text);

/**
 * Brands a string that is a digest already.
 *
 * @throws Error for anything else, which is a bug of the caller
 */
export function asDigest(text: string): Digest {
  if (!isDigest(text)) throw new Error(`Internal error: ${JSON.stringify(text)} is not a SHA-256 digest`);
  return text;
}

/** In one call where Node has it (since 20.12), which takes a third of the time. */
const oneShot = crypto.hash as typeof crypto.hash | undefined;

/** The SHA-256 of some bytes or of the UTF-8 form of a text. */
export function sha256(data: string | Uint8Array): Digest {
  return (oneShot?.('sha256', data) ?? crypto.createHash('sha256').update(data).digest('hex')) as Digest;
}

/**
 * Canonical JSON (RFC 8785): keys sorted by UTF-16 code units, numbers as ECMAScript writes them, no white space. Equal
 * values give equal text.
 *
 * @throws Error for what JSON cannot carry (`undefined`, NaN, Infinity, a function), which is a bug of the caller
 */
export function canonicalJson(value: Json): string {
  if (isInOrder(value)) {
    const text = JSON.stringify(value);
    // A lone surrogate, which has no canonical form. (Or a backslash before “ud”, which has.)
    if (!text.includes('\\ud')) return text;
  }
  const text = canonicalize(value);
  if (text === undefined) throw new Error('Internal error: this value has no JSON form');
  return text;
}

/** Whether JSON writes it the canonical way by itself, five times as fast: fingerprints are put together in that order. */
function isInOrder(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isInOrder);
  if ('toJSON' in value) return false;
  let last: string | undefined;
  for (const key of Object.keys(value)) {
    if ((last !== undefined && key < last) || !isInOrder((value as Record<string, unknown>)[key])) return false;
    last = key;
  }
  return true;
}

/**
 * Names a structure: `digestOf('artifact', {files})`. The tag keeps two kinds of record apart whose content happens to
 * be equal; `[tag, value]` is hashed as one JSON array, so that no tag can run into the value behind it.
 *
 * @throws Error as `canonicalJson`
 */
export function digestOf(tag: string, value: Json): Digest {
  return sha256(canonicalJson([tag, value]));
}

/** The first 8 hex digits, as people read and type them after `@`. */
export function shortDigest(digest: Digest): string {
  return digest.slice(0, 8);
}
