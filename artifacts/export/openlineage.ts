/**
 * OpenLineage 2-0-2 run events (https://openlineage.io/docs/spec/object-model): a START and an end for the run and for each
 * of its attempts, which name the run as their parent. Artifacts are datasets, named by node and port, with their digest
 * as the version. Sources from outside are datasets only.
 */
import {sha256} from '../digest.js';
import type {Digest, Json} from '../digest.js';
import type {Attempt, Outcome, OutputEdge} from '../records.js';
import {errorOf, originsOf, placeOf} from './scope.js';
import type {ExportScope} from './scope.js';

const SPEC = 'https://openlineage.io/spec';
const PRODUCER = 'urn:r1';
/** Facets of our own say what they hold by their fields; the base says no more than that they are facets. */
const OWN_DATASET_FACET = `${SPEC}/2-0-2/OpenLineage.json#/$defs/DatasetFacet`;
const OWN_RUN_FACET = `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet`;

export interface Facet {
  readonly _producer: string;
  readonly _schemaURL: string;
  readonly [field: string]: unknown;
}
type Facets = Readonly<Record<string, Facet>>;

export interface LineageDataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets: Facets;
  readonly outputFacets?: Facets;
}

/** An event of OpenLineage 2-0-2 (https://openlineage.io/docs/spec/object-model). Times are ISO 8601, UTC. */
export interface RunEvent {
  readonly eventType: 'START' | 'COMPLETE' | 'ABORT' | 'FAIL';
  readonly eventTime: string;
  readonly run: {readonly runId: string; readonly facets: Facets};
  readonly job: {readonly namespace: string; readonly name: string; readonly facets: Facets};
  readonly inputs: readonly LineageDataset[];
  readonly outputs: readonly LineageDataset[];
  readonly producer: string;
  readonly schemaURL: string;
}

const facet = (schema: string, fields: Readonly<Record<string, unknown>>): Facet => ({
  _producer: PRODUCER,
  _schemaURL: schema,
  ...fields,
});
const time = (at: number): string => new Date(at).toISOString();

/** The same fact has the same UUID (version 8, RFC 9562) however often it is exported. */
function uuid(text: string): string {
  const hex = sha256(text);
  const variant = ((parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * The attempts of a scope as events of OpenLineage, in the order of time. The same facts give the same events, UUIDs
 * included.
 *
 * @throws UserError store-damaged where an input was made by no attempt
 */
export function toOpenLineage(scope: ExportScope): readonly RunEvent[] {
  const {storeId, run, attempts, artifacts, recipeOf} = scope;
  const namespace = `r1:${storeId}`;
  const runId = uuid(`${storeId} run ${run.id}`);
  const job = {namespace, name: run.recipe, facets: jobType('PIPELINE')};
  const originOf = originsOf(attempts);

  const dataset = (maker: Attempt, digest: Digest, port: string): LineageDataset => {
    const artifact = artifacts.get(digest)!;
    const place = maker.stage === 'source' ? placeOf(maker) : undefined;
    return {
      namespace,
      name: `${recipeOf(maker)}.${maker.node}.${port}`,
      facets: {
        version: facet(`${SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet`, {
          datasetVersion: digest,
        }),
        r1_artifact: facet(OWN_DATASET_FACET, {
          kind: artifact.kind,
          bytes: artifact.bytes,
          files: artifact.files.map((file) => ({...file})),
        }),
        ...(place === undefined ? {} : {r1_source: facet(OWN_DATASET_FACET, {path: place})}),
      },
    };
  };
  const output = (attempt: Attempt, {port, artifact}: OutputEdge): LineageDataset => ({
    ...dataset(attempt, artifact, port),
    outputFacets: {
      outputStatistics: facet(
        `${SPEC}/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet`,
        {
          size: artifacts.get(artifact)!.bytes,
          fileCount: artifacts.get(artifact)!.files.length,
        },
      ),
    },
  });

  const eventsOf = (attempt: Attempt): readonly RunEvent[] => {
    const id = uuid(`${storeId} attempt ${attempt.id}`);
    const parent = {run: {runId: uuid(`${storeId} run ${attempt.run}`)}, job: {namespace, name: recipeOf(attempt)}};
    const facets: Facets = {
      parent: facet(`${SPEC}/facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet`, parent),
      executionParameters: facet(
        `${SPEC}/facets/1-0-0/ExecutionParametersRunFacet.json#/$defs/ExecutionParametersRunFacet`,
        {
          parameters: parametersOf(attempt.params),
        },
      ),
      r1_attempt: facet(OWN_RUN_FACET, {
        attempt: attempt.id,
        run: attempt.run,
        because: attempt.because,
        fingerprint: attempt.fingerprint,
        ingredients: attempt.ingredients,
        seed: attempt.seed,
      }),
    };
    const common = {
      job: {namespace, name: `${recipeOf(attempt)}.${attempt.node}`, facets: jobType('STAGE')},
      inputs: attempt.inputs.map((input) => {
        const {maker, output: made} = originOf(input);
        return dataset(maker, input.artifact, made.port);
      }),
      producer: PRODUCER,
      schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
    };
    const start: RunEvent = {
      ...common,
      eventType: 'START',
      eventTime: time(attempt.startedAt),
      run: {runId: id, facets},
      outputs: [],
    };
    const {outcome} = attempt;
    if (outcome === undefined) return [start];
    const failure = outcome.ok ? {} : {errorMessage: errorFacet(outcome)};
    return [
      start,
      {
        ...common,
        eventType: outcome.ok ? 'COMPLETE' : outcome.reason === 'stopped' ? 'ABORT' : 'FAIL',
        eventTime: time(outcome.at),
        run: {runId: id, facets: {...facets, ...failure}},
        outputs: attempt.outputs.map((edge) => output(attempt, edge)),
      },
    ];
  };

  const whole = {
    job,
    inputs: [],
    outputs: [],
    producer: PRODUCER,
    schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
  };
  const begin: RunEvent = {...whole, eventType: 'START', eventTime: time(run.startedAt), run: {runId, facets: {}}};
  const end: readonly RunEvent[] =
    run.end === undefined
      ? []
      : [
          {
            ...whole,
            eventType: run.end.outcome === 'succeeded' ? 'COMPLETE' : run.end.outcome === 'stopped' ? 'ABORT' : 'FAIL',
            eventTime: time(run.end.at),
            run: {runId, facets: {}},
          },
        ];
  const made = attempts.filter(({stage}) => stage !== 'source').flatMap(eventsOf);
  // ISO times sort as text. A sort keeps the order of what happened in the same millisecond.
  return [begin, ...made, ...end].sort((a, b) => (a.eventTime < b.eventTime ? -1 : a.eventTime > b.eventTime ? 1 : 0));
}

function errorFacet(outcome: Outcome): Facet {
  const {message, stack} = errorOf(outcome);
  return facet(`${SPEC}/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet`, {
    message,
    programmingLanguage: 'TypeScript',
    ...(stack === undefined ? {} : {stackTrace: stack}),
  });
}

const jobType = (type: 'PIPELINE' | 'STAGE'): Facets => ({
  jobType: facet(`${SPEC}/facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet`, {
    processingType: 'BATCH',
    integration: 'R1',
    jobType: type,
  }),
});

function parametersOf(params: Json): readonly {readonly key: string; readonly value: string}[] {
  if (params === null || typeof params !== 'object' || Array.isArray(params)) return [];
  return Object.entries(params).map(([key, value]: [string, Json]) => ({
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
}
