/**
 * Tokens of sources by the sources' own digest: never stale, and may be lost without harm. One JSON file in the store, and one
 * in a clone, in which set-up keeps those of r1's own modules (`bin/setup/one-file/bundle.js`).
 */
import {existsSync, mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {TokenCache} from './code-digest.js';
import {ownFile} from '../modules/own-package.js';
import type {ModuleText} from '../modules/source/parse-module.js';

/** Raised whenever what is read out of a source changes. */
const VERSION = 2;
/** Sources that a recipe reaches are a few hundred; older ones fall out. */
const MOST = 5000;

const OF_SET_UP = ownFile('dist/start/');

export interface SavedTokenCache extends TokenCache {
  /** Writes what is new, if anything is, into the store. */
  save(folder: string): void;
}

/** @param folder of the store, if there is one yet */
export function openTokenCache(folder?: string): SavedTokenCache {
  const texts = folder === undefined ? new Map<string, ModuleText>() : read(fileIn(folder));
  let changed = false;
  let ofSetUp: ReadonlyMap<string, ModuleText> | undefined;
  return {
    get: (key) => texts.get(key) ?? (ofSetUp ??= read(fileIn(OF_SET_UP))).get(key),
    set(key, text) {
      texts.set(key, text);
      changed = true;
    },
    save(into) {
      if (!changed) return;
      const file = fileIn(into);
      mkdirSync(dirname(file), {recursive: true});
      const kept = [...texts].slice(-MOST);
      const temporary = `${file}.${process.pid}`;
      writeFileSync(temporary, JSON.stringify({version: VERSION, texts: Object.fromEntries(kept)}));
      renameSync(temporary, file);
      changed = false;
    },
  };
}

const fileIn = (folder: string): string => join(folder, 'cache', 'tokens.json');

function read(file: string): Map<string, ModuleText> {
  if (!existsSync(file)) return new Map();
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as {
      version?: number;
      texts?: Record<string, ModuleText>;
    } | null;
    return new Map(kept?.version === VERSION ? Object.entries(kept.texts ?? {}) : []);
  } catch (error) {
    if (error instanceof SyntaxError) return new Map(); // torn by a power cut: read anew
    throw error;
  }
}
