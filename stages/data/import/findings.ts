/** Rows that were found wanting, counted by what was found, each kept as a row of its own up to a number. */

/** Rows of one finding that are written down; all of them are counted. */
const MOST_ROWS = 1_000;

export interface FindingRow {
  readonly id: string;
  /** The rows that it is about. */
  readonly from: readonly string[];
  readonly finding: string;
  /** What the question is. */
  readonly question: string;
}

export class Findings {
  readonly counts: Record<string, number> = {};
  readonly rows: FindingRow[] = [];

  add(finding: string, {id, question}: {readonly id: string; readonly question: string}, other?: string): void {
    const count = (this.counts[finding] ?? 0) + 1;
    this.counts[finding] = count;
    if (count <= MOST_ROWS)
      this.rows.push({id: `${finding}:${id}`, from: other === undefined ? [id] : [id, other], finding, question});
  }

  of(finding: string): number {
    return this.counts[finding] ?? 0;
  }
}
