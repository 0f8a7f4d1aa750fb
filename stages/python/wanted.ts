/** What a stage can want of Python. */

/** An environment that r1 makes, once, in its cache. */
export interface LockedPython {
  /** A requirements file in which every package is pinned with its hashes (`uv pip compile --generate-hashes`). */
  readonly lock: URL;
  /**
   * `3.11`, or `3.11.7`: no other Python will do. Unless given, what the lock file says that it was made for; where that says
   * nothing, any Python from 3.9 will do, and its version counts in full.
   */
  readonly version?: string;
  /** Which Python it is made with; unless given, `R1_PYTHON`, else the first on the PATH that will do. */
  readonly interpreter?: string;
  /** A module that is imported once it is made, to see that it works. */
  readonly module?: string;
  /** What people call it; unless given, as the lock file is called. */
  readonly name?: string;
  /** MiB that it takes on the disk; it is refused where there are fewer. */
  readonly megabytes?: number;
}

/** An interpreter that is there, with packages that somebody has installed in it. */
export interface InstalledPython {
  /** The packages whose versions count: `torch`, or where no other version will do, `trl==1.16.0`. */
  readonly packages: readonly string[];
  /** A path, or a name on the PATH; unless given, `R1_PYTHON`, else `python3`. */
  readonly interpreter?: string;
  /** `3.11`, or `3.11.7`, where no other will do. */
  readonly version?: string;
}

/** What `argv` is given: the absolute path of the interpreter. */
export type PythonWords = {readonly python: string};
