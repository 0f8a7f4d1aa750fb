/** A completion, whether a model of ours gave it or one at an endpoint. */
import type {Served} from '../endpoint/served.js';
import type {Rollout} from './sample-groups.js';

/** A completion, whoever gave it. */
export type Given = Rollout | Served;

/** Tokens of a completion, the end token included; as the server counts where one gave it, `undefined` where it did not say. */
export const lengthOf = (given: Given): number | undefined =>
  'served' in given ? given.served.tokens : given.tokens.length;

/** So many of them are thinking; `undefined` of a completion that a server gave, whose tokens nobody here has seen. */
export const thinkingOf = (given: Given): number | undefined => ('served' in given ? undefined : given.thinking);
