/** How programs are contained, for those who need no more than the names: recipes that are only planned. */

/** The second name is meant to be hard to write by accident. */
export const SANDBOXES = ['bubblewrap', 'none-i-trust-every-program'] as const;
export type SandboxKind = (typeof SANDBOXES)[number];
