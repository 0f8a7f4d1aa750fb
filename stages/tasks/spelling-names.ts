/** How the built-in texts may be spelled: see spelling.ts. */
export const SPELLINGS = ['spaced', 'natural'] as const;
/** `spaced`: `hello , i am tom .` `natural`: `Hello, I am Tom.` */
export type Spelling = (typeof SPELLINGS)[number];
