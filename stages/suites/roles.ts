/** What the files of a benchmark are, for those who need no more. */

/** The questions, and files beside them that some suites want. */
export const ROLES = ['questions', 'shots', 'baseline', 'standings', 'ratings', 'difficulties', 'rubric'] as const;
export type Role = (typeof ROLES)[number];
