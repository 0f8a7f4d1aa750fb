/** What a reward model looks at: the final answer only (helpful), or reasoning and answer (safety). DeepSeek-R1, 2.3.4. */
export const SCOPES = ['answer', 'response'] as const;
export type Scope = (typeof SCOPES)[number];
