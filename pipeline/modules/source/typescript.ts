/**
 * Types are stripped in place, so that lines and columns stay. Enums, namespaces and parameter properties are not erasable
 * and are refused with their place, as are JSX and CommonJS written in TypeScript.
 */
import {createRequire} from 'node:module';
import type * as Swc from '@swc/wasm-typescript';
import type * as Tokens from './parse-module.js';

/** What swc throws: a plain object with the place of the mistake, columns counted from 0. */
interface SwcError {
  readonly message: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

const require = createRequire(import.meta.url);

/** Whether the file of this path or URL is written in TypeScript. */
export const isTyped = (path: string): boolean => /\.[mc]?tsx?$/.test(path);

/** The JavaScript of a typed file, every remaining character where it was. Throws a SyntaxError that starts with the place. */
export function strip(file: string, source: string): string {
  if (file.endsWith('.cts')) {
    throw new SyntaxError(
      `${file}:1:1: CommonJS in TypeScript (.cts) is not supported: name the file .ts, and write import and export`,
    );
  }
  const {transformSync} = require('@swc/wasm-typescript') as typeof Swc;
  try {
    return transformSync(source, {mode: 'strip-only', filename: file}).code;
  } catch (error) {
    const {message, startLine, startColumn} = error as SwcError;
    if (startLine === undefined || startColumn === undefined) throw error;
    const jsx = file.endsWith('x') ? placeOfJsx(source, transformSync) : undefined;
    if (jsx !== undefined) {
      throw new SyntaxError(
        `${file}:${jsx}: JSX is not supported: only types are removed from a file; write function calls in its place`,
      );
    }
    throw new SyntaxError(`${file}:${startLine}:${startColumn + 1}: ${inOwnWords(message)}`);
  }
}

/** What only a compiler of TypeScript makes code of, as the stripper calls it, and what to write in its place. */
const COMPILED: readonly (readonly [RegExp, string])[] = [
  [/\benum\b/, 'write a constant: const Color = {red: 0, green: 1} as const'],
  [/parameter propert/i, 'declare the property, and set it in the constructor'],
  [/\b(?:namespace|module)\b/, 'write a module of its own, or a constant that holds the values'],
  [/import equals|export assignment/, 'write import … from and export'],
];

function inOwnWords(message: string): string {
  if (!/not supported in strip-only mode/.test(message)) return message;
  const instead = COMPILED.find(([construct]) => construct.test(message))?.[1];
  const what = message.replace(/ (?:is|are) not supported in strip-only mode$/, '');
  return `${what}: only types are removed from a file, and this is code${instead === undefined ? '' : `; ${instead}`}`;
}

/** `line:column` of the first JSX of a file that is well formed but for having some. */
function placeOfJsx(source: string, transformSync: typeof Swc.transformSync): string | undefined {
  try {
    const {code} = transformSync(source, {
      mode: 'strip-only',
      parser: {syntax: 'typescript', tsx: true},
    } as Swc.Options);
    (require('./parse-module.js') as typeof Tokens).readModuleText(code);
  } catch (error) {
    const {loc} = error as {loc?: {readonly line: number; readonly column: number}};
    return loc === undefined ? undefined : `${loc.line}:${loc.column + 1}`;
  }
  return undefined;
}
