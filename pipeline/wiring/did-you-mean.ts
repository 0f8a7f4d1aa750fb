/** The known word that somebody most likely meant: for "did you mean". */

/** So many letters of a longer word are enough to tell what was meant. */
const BEGINNING = 3;

/**
 * The candidate within a third of the word's length in edits, of equally near ones that which begins with the word; else the shortest that
 * does; `undefined` when none is that near.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const typed = word.toLowerCase();
  const most = Math.max(1, Math.floor(word.length / 3));
  const begins = (candidate: string): boolean => typed.length >= BEGINNING && candidate.toLowerCase().startsWith(typed);
  const known = [...candidates].map((candidate) => ({
    candidate,
    distance: edits(typed, candidate.toLowerCase()) - (begins(candidate) ? 0.5 : 0),
  }));
  const near = known.filter(({distance}) => distance <= most).sort((a, b) => a.distance - b.distance)[0];
  return (near ?? known.filter(({candidate}) => begins(candidate)).sort((a, b) => a.distance - b.distance)[0])
    ?.candidate;
}

/** `, did you mean “sft”?` or nothing: to be put behind "there is no node “stf”". */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const meant = nearest(word, candidates);
  return meant === undefined ? '' : `, did you mean “${meant}”?`;
}

/** Levenshtein's distance, with two neighbouring letters swapped counting as one edit. */
function edits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({length: b.length + 1}, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(substitution, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
