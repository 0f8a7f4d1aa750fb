/**
 * W3C PROV as PROV-JSON (https://www.w3.org/submissions/prov-json/): artifacts and their files are entities, attempts are
 * activities, r1 is the agent. A source from outside is an entity that nothing generated. An output counts as derived from
 * every input of its attempt: that is as far as an attempt lets one look.
 */
import type {Digest, Json} from '../digest.js';
import type {Artifact, Attempt} from '../records.js';
import type {ExportScope} from './scope.js';

interface Typed {
  readonly $: string;
  readonly type: string;
}
type Value = string | Typed;
type Statements = Record<string, Readonly<Record<string, Value>>>;

export interface ProvDocument {
  readonly prefix: Readonly<Record<string, string>>;
  readonly entity: Statements;
  readonly activity: Statements;
  readonly agent: Statements;
  readonly used: Statements;
  readonly wasGeneratedBy: Statements;
  readonly wasDerivedFrom: Statements;
  readonly wasAssociatedWith: Statements;
  readonly hadMember: Statements;
}

const number = (value: number): Typed => ({$: String(value), type: 'xsd:long'});
const name = (text: string): Typed => ({$: text, type: 'prov:QUALIFIED_NAME'});
const time = (at: number): string => new Date(at).toISOString();

const AGENT = 'r1:runner';
const artifactName = (digest: Digest): string => `sha:artifact-${digest}`;
const fileName = (digest: Digest): string => `sha:file-${digest}`;
const attemptName = ({id}: Pick<Attempt, 'id'>): string => `store:attempt-${id}`;

export function toProv({storeId, run, attempts, artifacts}: ExportScope): ProvDocument {
  const document: ProvDocument = {
    prefix: {r1: 'urn:r1:', sha: 'urn:r1:sha256:', store: `urn:r1:store:${storeId}:`},
    entity: {},
    activity: {},
    agent: {[AGENT]: {'prov:type': name('prov:SoftwareAgent'), 'prov:label': 'r1'}},
    used: {},
    wasGeneratedBy: {},
    wasDerivedFrom: {},
    wasAssociatedWith: {},
    hadMember: {},
  };
  for (const artifact of artifacts.values()) addArtifact(document, artifact);
  for (const attempt of attempts) {
    if (attempt.stage === 'source') addOrigin(document, attempt);
    else addAttempt(document, attempt, run.recipe);
  }
  return document;
}

function addArtifact({entity, hadMember}: ProvDocument, {digest, kind, bytes, files}: Artifact): void {
  const id = artifactName(digest);
  entity[id] = {
    'prov:type': name('prov:Collection'),
    'prov:label': `${kind} @${digest.slice(0, 8)}`,
    'r1:kind': kind,
    'r1:sha256': digest,
    'r1:bytes': number(bytes),
  };
  for (const [index, file] of files.entries()) {
    const member = fileName(file.sha256);
    entity[member] = {'r1:sha256': file.sha256, 'r1:bytes': number(file.bytes)};
    hadMember[`_:member-${digest}-${index}`] = {'prov:collection': id, 'prov:entity': member};
  }
}

/** What came from outside keeps the place it was taken from; no activity of ours made it. */
function addOrigin({entity}: ProvDocument, {outputs, params, node}: Attempt): void {
  const path = params !== null && typeof params === 'object' && 'path' in params ? params.path : undefined;
  for (const {artifact} of outputs) {
    const id = artifactName(artifact);
    entity[id] = {...entity[id], 'r1:source': node, ...(typeof path === 'string' ? {'prov:location': path} : {})};
  }
}

const text = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

function addAttempt(document: ProvDocument, attempt: Attempt, recipe: string): void {
  const {activity, used, wasGeneratedBy, wasDerivedFrom, wasAssociatedWith} = document;
  const id = attemptName(attempt);
  const {node, stage, seed, because, params, fingerprint, inputs, outputs, outcome, startedAt} = attempt;
  activity[id] = {
    'prov:startTime': time(startedAt),
    ...(outcome === undefined ? {} : {'prov:endTime': time(outcome.at), 'r1:outcome': outcome.reason}),
    'prov:label': node,
    'r1:recipe': recipe,
    'r1:stage': stage,
    'r1:seed': number(seed),
    'r1:because': because,
    'r1:fingerprint': fingerprint,
    'r1:params': text(params),
  };
  wasAssociatedWith[`_:by-${attempt.id}`] = {'prov:activity': id, 'prov:agent': AGENT};
  for (const [index, {port, name: of, artifact}] of inputs.entries()) {
    used[`_:use-${attempt.id}-${index}`] = {
      'prov:activity': id,
      'prov:entity': artifactName(artifact),
      'prov:role': of === '' ? port : `${port}.${of}`,
    };
  }
  for (const {port, artifact} of outputs) {
    const generation = `store:made-${attempt.id}-${port}`;
    wasGeneratedBy[generation] = {
      'prov:entity': artifactName(artifact),
      'prov:activity': id,
      ...(outcome === undefined ? {} : {'prov:time': time(outcome.at)}),
      'prov:role': port,
    };
    for (const [index, input] of inputs.entries()) {
      wasDerivedFrom[`_:from-${attempt.id}-${port}-${index}`] = {
        'prov:generatedEntity': artifactName(artifact),
        'prov:usedEntity': artifactName(input.artifact),
        'prov:activity': id,
      };
    }
  }
}
