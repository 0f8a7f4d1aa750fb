/**
 * Second front door: questions about the lineage, and the care of a store, for programs that look at what runs have made.
 * Apart from the first one (`index.ts`), so that a runner does not load all of this to begin.
 */
export {ancestorsOf, descendantsOf, lineageOf} from './queries/ancestry.js';
export type {Direction, LineageEdge, LineageGraph, LineageNode, WalkOptions} from './queries/ancestry.js';
export {artifactDetails} from './queries/artifact-details.js';
export type {ArtifactDetails, FileTrouble, Maker, Use} from './queries/artifact-details.js';
export type {FirstRows} from './queries/first-rows.js';
export {gc, planGc} from './upkeep/gc.js';
export type {RebuildCost, GcPlan, GoingArtifact, KeptArtifact} from './upkeep/gc.js';
export {diffArtifacts} from './queries/diff-artifacts.js';
export type {ArtifactDifference} from './queries/diff-artifacts.js';
export {diffRuns} from './queries/diff-runs.js';
export type {Cause, MetricDifference, NodeDifference, OutputDifference, RunDifference} from './queries/diff-runs.js';
export {exportArtifact} from './export/copy-out.js';
export {findRun} from './queries/find-run.js';
export {toOpenLineage} from './export/openlineage.js';
export type {RunEvent} from './export/openlineage.js';
export {toProv} from './export/prov.js';
export type {ProvDocument} from './export/prov.js';
export {scopeOf} from './export/scope.js';
export type {ExportScope} from './export/scope.js';
export {pin, pins, tag, tags, unpin, untag} from './queries/tags.js';
export type {Pin, Tag} from './queries/tags.js';
export {keepReasonText} from './upkeep/gc-roots.js';
export type {KeepPolicy, KeepReason} from './upkeep/gc-roots.js';
export {readableOf, rowsFilesOf} from './queries/readable.js';
export type {Output, Readable, ReadableKinds, RowsFile} from './queries/readable.js';
export {resolve, resolveArtifact} from './queries/reference.js';
export type {ResolveOptions, Resolved, ResolvedArtifact} from './queries/reference.js';
export {findRow, trace, traceRow} from './queries/row-lineage.js';
export type {TraceOptions, TracedRow} from './queries/row-lineage.js';
export {verify} from './upkeep/verify.js';
export type {AttemptName, DamagedBlob, VerifyOptions, VerifyProgress, VerifyReport} from './upkeep/verify.js';
