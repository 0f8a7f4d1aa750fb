/** Readers of files, by the name that a suite has for them: by the names of fields, or of one data set's own layout. */
import type {KeepRows, MakePrompt, PrepareRows} from '../row.js';
import type {ReaderName} from '../suite.js';
import {codeforces, testable} from './codeforces.js';
import {fromFields} from './fields.js';
import {humanEval} from './human-eval.js';
import {ifEvalRow} from './if-eval.js';
import {liveCodeBench, unpackTests} from './live-code-bench.js';

/** How the rows of a layout become prompts. */
export interface RowReader {
  readonly make: MakePrompt;
  readonly keep?: KeepRows;
  readonly prepare?: PrepareRows;
}

export const readers: Readonly<Record<ReaderName, RowReader>> = {
  fields: {make: fromFields},
  'human-eval': {make: humanEval},
  'if-eval': {make: ifEvalRow},
  codeforces: {make: codeforces, keep: testable},
  'live-code-bench': {make: liveCodeBench, prepare: unpackTests},
};
