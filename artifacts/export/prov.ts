/**
 * W3C PROV as PROV-JSON (https://www.w3.org/submissions/prov-json/), true to PROV-CONSTRAINTS. Attempts are activities, r1 is
 * the agent. What an attempt made on a port is an entity of its own, generated once, by it; it is a specialization of the
 * artifact, the bytes as such, which any number of attempts may make, or make out of themselves. So nothing is derived from
 * itself. A source from outside is an entity that nothing generated. An output counts as derived from every input of its
 * attempt: that is as far as an attempt lets one look.
 */
import type {Digest, Json} from '../digest.js';
import type {Artifact, Attempt, InputEdge} from '../records.js';
import {errorOf, originsOf, placeOf} from './scope.js';
import type {ExportScope} from './scope.js';

interface Typed {
  readonly $: string;
  readonly type: string;
}
type Value = string | Typed;
type Statements = Record<string, Readonly<Record<string, Value>>>;

/** A document of PROV-JSON (https://www.w3.org/submissions/prov-json/): statements by their identifiers. */
export interface ProvDocument {
  readonly prefix: Readonly<Record<string, string>>;
  readonly entity: Statements;
  readonly activity: Statements;
  readonly agent: Statements;
  readonly used: Statements;
  readonly wasGeneratedBy: Statements;
  readonly wasDerivedFrom: Statements;
  readonly wasAssociatedWith: Statements;
  readonly specializationOf: Statements;
  readonly hadMember: Statements;
}

const number = (value: number): Typed => ({$: String(value), type: 'xsd:long'});
const TRUE: Typed = {$: 'true', type: 'xsd:boolean'};
const name = (text: string): Typed => ({$: text, type: 'prov:QUALIFIED_NAME'});
const time = (at: number): string => new Date(at).toISOString();

const AGENT = 'r1:runner';
const artifactName = (digest: Digest): string => `sha:artifact-${digest}`;
const attemptName = ({id}: Pick<Attempt, 'id'>): string => `store:attempt-${id}`;
/** What an attempt made on a port; a port is no more than letters, digits, “-” and “_”, or is written as such. */
const outputName = ({id}: Pick<Attempt, 'id'>, port: string): string =>
  `store:output-${id}-${encodeURIComponent(port).replaceAll('%', '_')}`;

/**
 * The attempts of a scope as W3C PROV. The same facts give the same document.
 *
 * @throws UserError store-damaged where an input was made by no attempt
 */
export function toProv({storeId, attempts, artifacts, recipeOf}: ExportScope): ProvDocument {
  const document: ProvDocument = {
    prefix: {r1: 'urn:r1:', sha: 'urn:r1:sha256:', store: `urn:r1:store:${storeId}:`},
    entity: {},
    activity: {},
    agent: {[AGENT]: {'prov:type': name('prov:SoftwareAgent'), 'prov:label': 'r1'}},
    used: {},
    wasGeneratedBy: {},
    wasDerivedFrom: {},
    wasAssociatedWith: {},
    specializationOf: {},
    hadMember: {},
  };
  const originOf = originsOf(attempts);
  const usedName = (input: InputEdge): string => {
    const {maker, output} = originOf(input);
    return outputName(maker, output.port);
  };
  for (const artifact of artifacts.values()) addArtifact(document, artifact);
  for (const attempt of attempts) {
    addOutputs(document, attempt);
    if (attempt.stage !== 'source') addAttempt(document, {attempt, recipe: recipeOf(attempt), usedName});
  }
  return document;
}

/** Each file is an entity by its place in the artifact, since two of them may have the same bytes. */
function addArtifact({entity, hadMember}: ProvDocument, {digest, kind, bytes, files}: Artifact): void {
  const id = artifactName(digest);
  entity[id] = {
    'prov:type': name(files.length === 0 ? 'prov:EmptyCollection' : 'prov:Collection'),
    'prov:label': `${kind} @${digest.slice(0, 8)}`,
    'r1:kind': kind,
    'r1:sha256': digest,
    'r1:bytes': number(bytes),
  };
  for (const [index, file] of files.entries()) {
    const member = `sha:file-${digest}-${index}`;
    entity[member] = {
      ...(file.path === '' ? {} : {'prov:label': file.path, 'r1:path': file.path}),
      'r1:sha256': file.sha256,
      'r1:bytes': number(file.bytes),
      ...(file.executable === true ? {'r1:executable': TRUE} : {}),
    };
    hadMember[`_:member-${digest}-${index}`] = {'prov:collection': id, 'prov:entity': member};
  }
}

/** What came from outside keeps the place it was taken from; no activity of ours made it. */
function addOutputs({entity, specializationOf}: ProvDocument, attempt: Attempt): void {
  const place = attempt.stage === 'source' ? placeOf(attempt) : undefined;
  for (const {port, kind, artifact} of attempt.outputs) {
    const id = outputName(attempt, port);
    entity[id] = {
      'prov:label': `${attempt.node}:${port}`,
      'r1:kind': kind,
      'r1:sha256': artifact,
      ...(attempt.stage === 'source' ? {'r1:source': attempt.node} : {}),
      ...(place === undefined ? {} : {'prov:location': place}),
    };
    specializationOf[`_:is-${attempt.id}-${port}`] = {
      'prov:specificEntity': id,
      'prov:generalEntity': artifactName(artifact),
    };
  }
}

const text = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

interface Added {
  readonly attempt: Attempt;
  readonly recipe: string;
  /** The entity that an input is. */
  readonly usedName: (input: InputEdge) => string;
}

function addAttempt(document: ProvDocument, {attempt, recipe, usedName}: Added): void {
  const {activity, used, wasGeneratedBy, wasDerivedFrom, wasAssociatedWith} = document;
  const id = attemptName(attempt);
  const {node, stage, seed, because, params, fingerprint, inputs, outputs, outcome, startedAt} = attempt;
  activity[id] = {
    'prov:startTime': time(startedAt),
    ...(outcome === undefined ? {} : {'prov:endTime': time(outcome.at), 'r1:outcome': outcome.reason}),
    ...(outcome === undefined || outcome.ok ? {} : {'r1:error': errorOf(outcome).message}),
    'prov:label': node,
    'r1:recipe': recipe,
    'r1:stage': stage,
    'r1:seed': number(seed),
    'r1:because': because,
    'r1:fingerprint': fingerprint,
    'r1:params': text(params),
  };
  wasAssociatedWith[`_:by-${attempt.id}`] = {'prov:activity': id, 'prov:agent': AGENT};
  const useOf = (index: number): string => `store:use-${attempt.id}-${index}`;
  for (const [index, input] of inputs.entries()) {
    used[useOf(index)] = {
      'prov:activity': id,
      'prov:entity': usedName(input),
      'prov:role': input.name === '' ? input.port : `${input.port}.${input.name}`,
    };
  }
  for (const {port} of outputs) {
    const entity = outputName(attempt, port);
    const generation = entity.replace('store:output-', 'store:made-');
    wasGeneratedBy[generation] = {
      'prov:entity': entity,
      'prov:activity': id,
      ...(outcome === undefined ? {} : {'prov:time': time(outcome.at)}),
      'prov:role': port,
    };
    for (const [index, input] of inputs.entries()) {
      wasDerivedFrom[`_:from-${attempt.id}-${port}-${index}`] = {
        'prov:generatedEntity': entity,
        'prov:usedEntity': usedName(input),
        'prov:activity': id,
        'prov:generation': generation,
        'prov:usage': useOf(index),
      };
    }
  }
}
