/** Why a node that nothing stood in the way of was not started, in one wording for what is recorded and what is worked out later. */

/**
 * @param end how the run ended; undefined where nobody has recorded it, as the runner was killed
 * @param failed the node whose failure ended it, where one is known
 */
export function turnMissed(end: string | undefined, failed: string | undefined): string {
  if (end === undefined) return 'the runner was killed before its turn';
  if (end === 'stopped') return 'you stopped the run before its turn';
  return `the run ended before its turn${failed === undefined ? '' : `, as “${failed}” failed`}`;
}
