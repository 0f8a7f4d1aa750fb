/** What a garbage collection did or would do, for people. */
import type {RebuildCost, GcResult, GoingArtifact} from '../../artifacts/upkeep/gc.js';
import {shortDigest} from '../../artifacts/index.js';
import {keepReasonText} from '../../artifacts/upkeep/gc-roots.js';
import {bytesText, durationText} from './quantity.js';
import {tableText} from './table.js';

export interface CollectionOptions {
  readonly dryRun: boolean;
  readonly keepsAllRuns: boolean;
}

/** More lines than this are only counted. */
const LINES = 50;
const FOREIGN = 8;

function againText({node, run, from, ms, ancestors, more}: RebuildCost): string {
  if (from !== undefined) return `came from outside: ${from}`;
  const first =
    ancestors === 0
      ? ''
      : `, with ${more === true ? 'over ' : ''}${ancestors} ${ancestors === 1 ? 'ancestor' : 'ancestors'} that would have to be made again first`;
  return `${node} of run ${run} made it; again in ${more === true ? 'more than' : 'about'} ${durationText(ms)}${first}`;
}

const goingRow = ({artifact, kind, bytes, again}: GoingArtifact): readonly string[] => [
  `${kind} @${shortDigest(artifact)}`,
  bytesText(bytes),
  againText(again),
];

/** What lies in the store and is not r1's. */
export function foreignLines(foreign: readonly string[]): readonly string[] {
  if (foreign.length === 0) return [];
  const shown = foreign.slice(0, FOREIGN).join(', ');
  const more = foreign.length > FOREIGN ? ` … and ${foreign.length - FOREIGN} more (--json lists all)` : '';
  return [`not made by r1, left alone: ${shown}${more}`];
}

export function collectionText(plan: GcResult, {dryRun, keepsAllRuns}: CollectionOptions): string {
  const {kept, going, blobs, bytes, leftovers, jobs, foreign, reserve} = plan;
  const lines: string[] = [];
  if (dryRun && kept.length > 0) {
    const rows = kept.slice(0, LINES).map(({artifact, kind, bytes: size, reasons}) => {
      const more = reasons.length > 1 ? ` and ${reasons.length - 1} more` : '';
      return [`${kind} @${shortDigest(artifact)}`, bytesText(size), keepReasonText(reasons[0]!) + more];
    });
    lines.push(`stays: ${kept.length} artifacts`, tableText(rows, {right: [1], indent: '  '}));
    if (kept.length > LINES) lines.push(`  … and ${kept.length - LINES} more (--json lists all)`);
  }
  if (going.length > 0) {
    lines.push(
      `${dryRun ? 'would go' : 'gone'}: ${going.length} artifacts`,
      tableText(going.slice(0, LINES).map(goingRow), {right: [1], indent: '  '}),
    );
    if (going.length > LINES) lines.push(`  … and ${going.length - LINES} more (--json lists all)`);
  }
  if (leftovers > 0) lines.push(`${leftovers} files that a crash left behind`);
  if (jobs.length > 0) lines.push(`job folders of ${jobs.length} attempts`);
  lines.push(
    blobs.length === 0
      ? 'nothing to remove'
      : `${dryRun ? 'would free' : 'freed'} ${bytesText(bytes)} in ${blobs.length} files`,
  );
  if (reserve !== undefined) {
    lines.push(
      `the disk was full: this used the room that the store keeps for it, ${
        reserve.again ? 'which it keeps again' : 'and cannot keep it again yet: free some more'
      }`,
    );
  }
  lines.push(...foreignLines(foreign));
  if (keepsAllRuns && kept.length > 0)
    lines.push('every run is kept; `--keep-runs N` keeps only the newest of each recipe');
  return lines.join('\n');
}
