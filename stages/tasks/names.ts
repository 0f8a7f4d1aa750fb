/** Names of the built-in tasks, for those who need no more: a recipe that is only planned loads no task. */
export const BUILT_IN_TASKS = [
  'dials',
  'general',
  'integer',
  'exact',
  'choice',
  'f1',
  'code',
  'math',
  'judge',
  'drop',
  'if-eval',
] as const;
export type BuiltInTask = (typeof BUILT_IN_TASKS)[number];
