/** What the two sides of a tokenizer in a thread say to each other: guarded-tokenizer.ts and tokenizer-thread.ts. */
import type {DrawnText, DrawnTokens, Ends} from './drawn.js';
import type {TemplateName} from './template-names.js';
import type {Asked, Message} from './templates.js';

/** What the thread is given when it starts. `phase` is shared memory: what it is at. */
export interface ThreadData {
  readonly folder: string;
  readonly specialInPrompts: boolean;
  readonly phase: Int32Array;
}

export const PHASES = ['rendering', 'encoding', 'decoding'] as const;

export type Request =
  | {
      readonly type: 'prompt';
      readonly template: TemplateName;
      readonly messages: readonly Message[];
      readonly asked: Asked;
    }
  | {readonly type: 'decode'; readonly ids: readonly number[]}
  | {readonly type: 'read'; readonly drawn: DrawnTokens; readonly ends: Ends};

export type Reply =
  | {
      readonly type: 'opened';
      readonly size: number;
      readonly eosId: number;
      readonly endIds: readonly number[];
      readonly notes: readonly string[];
      readonly padId: number;
      readonly templateFile: string;
    }
  | {readonly type: 'ids'; readonly ids: number[]}
  | {readonly type: 'text'; readonly text: string}
  | {readonly type: 'drawn'; readonly drawn: DrawnText}
  /** What was thrown; `isFault` when it is a sentence about the model's files. */
  | {readonly type: 'thrown'; readonly isFault: boolean; readonly message: string};
