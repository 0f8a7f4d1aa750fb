/** How programs are tested, as a row of prompts says it; `graders/code/` runs the tests. */

/** Asserts: HumanEval's `check(candidate)`, or a list of them. They run beside the program, not in it, with its function as a proxy. */
export interface CheckTests {
  readonly style: 'check';
  /** The function that is tested, or `Class.method` for a method of a new object. */
  readonly entryPoint: string;
  /** Python that asserts at once, or defines `check(candidate)`. */
  readonly code: string;
  /**
   * Python that stands before the program and before the tests: imports, helpers, HumanEval's `prompt`. The program's own
   * definitions replace those of the same name.
   */
  readonly prelude?: string | undefined;
}

/** Calls whose values are compared. */
export interface CallTests {
  readonly style: 'calls';
  readonly entryPoint: string;
  readonly cases: readonly CallCase[];
  readonly prelude?: string | undefined;
  /** How far a number may be off, as a share of the larger of 1 and the number that is expected; 0 unless given. */
  readonly tolerance?: number | undefined;
}

export interface CallCase {
  readonly args?: readonly unknown[] | undefined;
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined;
  readonly returns: unknown;
}

/** Whole programs that read standard input and write standard output. */
export interface StreamTests {
  readonly style: 'stdin';
  readonly cases: readonly {readonly input: string; readonly output: string}[];
  /** Whether lines are also the same where they are numbers of the same values: `1.0 2` and `1 2.00`. */
  readonly decimals?: boolean | undefined;
}

export type CodeTests = CheckTests | CallTests | StreamTests;
