/** How programs are contained, for those who need no more than the names: recipes that are only planned. */

/** The second name is meant to be hard to write by accident. */
export const SANDBOXES = ['bubblewrap', 'none-i-trust-every-program'] as const;
export type SandboxKind = (typeof SANDBOXES)[number];

/** What a plan says of a stage that is told to do without. */
export const sandboxCautions = ({sandbox}: {readonly sandbox: SandboxKind}): string[] =>
  sandbox === 'bubblewrap'
    ? []
    : [`programs that a model writes run without a sandbox and may do all that you may (sandbox: ${sandbox})`];
