/**
 * Second front door: questions about the lineage, and the care of a store, for programs that look at what runs have made.
 * Apart from the first one (`index.ts`), so that a runner does not load all of this to begin.
 */
export {ancestorsOf, descendantsOf, lineageOf} from './ancestry.js';
export type {Direction, LineageEdge, LineageGraph, LineageNode, WalkOptions} from './ancestry.js';
export {cardOf} from './card.js';
export type {ArtifactCard, FileTrouble, Maker, Use} from './card.js';
export {collect, planCollection} from './collect.js';
export type {Again, CollectionPlan, GoingArtifact, KeptArtifact} from './collect.js';
export {compareArtifacts} from './compare.js';
export type {ArtifactComparison} from './compare.js';
export {diffRuns} from './diff.js';
export type {Cause, MetricDifference, NodeDifference, OutputDifference, RunDifference} from './diff.js';
export {exportArtifact} from './export/files.js';
export {toOpenLineage} from './export/openlineage.js';
export type {RunEvent} from './export/openlineage.js';
export {toProv} from './export/prov.js';
export type {ProvDocument} from './export/prov.js';
export {scopeOf} from './export/scope.js';
export type {ExportScope} from './export/scope.js';
export {pin, pins, tag, tags, unpin, untag} from './labels.js';
export type {Pin, Tag} from './labels.js';
export {reasonText} from './mark.js';
export type {KeepPolicy, Reason} from './mark.js';
export {resolve, resolveArtifact} from './reference.js';
export type {ResolveOptions, Resolved, ResolvedArtifact} from './reference.js';
export {findRow, traceRow} from './samples.js';
export type {TracedRow} from './samples.js';
export {verify} from './verify.js';
export type {AttemptName, DamagedBlob, VerifyOptions, VerifyProgress, VerifyReport} from './verify.js';
