/**
 * Holds a PROV document to PROV-CONSTRAINTS (https://www.w3.org/TR/prov-constraints/): what is named is declared and of its
 * type, keys and generations are unique, and the events that follow from it can be put in an order.
 */
import type {ProvDocument} from '../../artifacts/export/prov.js';

type Rows = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What is wrong, a sentence each. */
export function provMistakes(document: ProvDocument): string[] {
  const mistakes: string[] = [];
  const rows = (kind: keyof ProvDocument): [string, Readonly<Record<string, unknown>>][] =>
    Object.entries(document[kind] as Rows);
  const ids = (kind: 'entity' | 'activity' | 'agent'): ReadonlySet<string> => new Set(rows(kind).map(([id]) => id));
  const things = {entity: ids('entity'), activity: ids('activity'), agent: ids('agent')};
  const names = (kind: keyof ProvDocument, fields: Readonly<Record<string, keyof typeof things>>): void => {
    for (const [id, row] of rows(kind)) {
      for (const [field, type] of Object.entries(fields)) {
        if (!things[type].has(row[field] as string)) mistakes.push(`${kind} ${id}: ${field} is no ${type}`);
      }
    }
  };
  names('used', {'prov:activity': 'activity', 'prov:entity': 'entity'});
  names('wasGeneratedBy', {'prov:activity': 'activity', 'prov:entity': 'entity'});
  names('wasDerivedFrom', {'prov:generatedEntity': 'entity', 'prov:usedEntity': 'entity', 'prov:activity': 'activity'});
  names('wasAssociatedWith', {'prov:activity': 'activity', 'prov:agent': 'agent'});
  names('specializationOf', {'prov:specificEntity': 'entity', 'prov:generalEntity': 'entity'});
  names('hadMember', {'prov:collection': 'entity', 'prov:entity': 'entity'});
  for (const id of things.entity) if (things.activity.has(id)) mistakes.push(`${id} is an entity and an activity`);
  // Keys: one statement an identifier, whatever it states (constraints 22, 23, 53, 54).
  const kinds = Object.keys(document).filter((kind) => kind !== 'prefix') as (keyof ProvDocument)[];
  const all = kinds.flatMap((kind) => rows(kind).map(([id]) => id));
  for (const id of new Set(all))
    if (all.filter((each) => each === id).length > 1) mistakes.push(`${id} is stated twice`);
  for (const id of all) {
    const prefix = id.split(':')[0]!;
    if (prefix !== '_' && !Object.hasOwn(document.prefix, prefix))
      mistakes.push(`${id} has no prefix that is declared`);
  }
  // Unique generation (constraint 24): an entity comes into being once.
  const generated = rows('wasGeneratedBy').map(([, row]) => row['prov:entity']);
  for (const entity of new Set(generated))
    if (generated.filter((each) => each === entity).length > 1) mistakes.push(`${String(entity)} is generated twice`);
  for (const [id, row] of rows('specializationOf'))
    if (row['prov:specificEntity'] === row['prov:generalEntity']) mistakes.push(`${id} specializes itself`);
  for (const [id, row] of rows('wasDerivedFrom')) {
    const made = document.wasGeneratedBy[row['prov:generation'] as string];
    const use = document.used[row['prov:usage'] as string];
    if (made?.['prov:entity'] !== row['prov:generatedEntity'] || made?.['prov:activity'] !== row['prov:activity'])
      mistakes.push(`${id}: its generation is another`);
    if (use?.['prov:entity'] !== row['prov:usedEntity'] || use?.['prov:activity'] !== row['prov:activity'])
      mistakes.push(`${id}: its usage is another`);
  }
  return [...mistakes, ...orderMistakes(rows)];
}

/** `strict`: before, and not at the same time. */
interface Precedes {
  readonly from: string;
  readonly to: string;
  readonly strict: boolean;
}

/** The event ordering constraints (30 to 49) as far as we state what they are about. */
function orderMistakes(rows: (kind: keyof ProvDocument) => [string, Readonly<Record<string, unknown>>][]): string[] {
  const edges: Precedes[] = [];
  const before = (from: string, to: string, strict = false): void => void edges.push({from, to, strict});
  const start = (activity: unknown): string => `start of ${String(activity)}`;
  const end = (activity: unknown): string => `end of ${String(activity)}`;
  const times = new Map<string, number>();
  const generationOf = new Map(rows('wasGeneratedBy').map(([id, row]) => [row['prov:entity'], id]));
  for (const [id, row] of rows('activity')) {
    before(start(id), end(id));
    if (row['prov:startTime'] !== undefined) times.set(start(id), Date.parse(row['prov:startTime'] as string));
    if (row['prov:endTime'] !== undefined) times.set(end(id), Date.parse(row['prov:endTime'] as string));
  }
  for (const [id, row] of rows('used')) {
    before(start(row['prov:activity']), id);
    before(id, end(row['prov:activity']));
    const generation = generationOf.get(row['prov:entity']);
    if (generation !== undefined) before(generation, id);
  }
  for (const [id, row] of rows('wasGeneratedBy')) {
    before(start(row['prov:activity']), id);
    before(id, end(row['prov:activity']));
    if (row['prov:time'] !== undefined) times.set(id, Date.parse(row['prov:time'] as string));
  }
  for (const [, row] of rows('wasDerivedFrom')) {
    before(row['prov:usage'] as string, row['prov:generation'] as string);
    // What nothing is said to have generated was generated all the same, so the entity stands for that event.
    const used = generationOf.get(row['prov:usedEntity']) ?? `generation of ${String(row['prov:usedEntity'])}`;
    before(used, row['prov:generation'] as string, true);
    if (row['prov:usedEntity'] === row['prov:generatedEntity']) before(used, used, true);
  }
  for (const [, row] of rows('specializationOf')) {
    const [specific, general] = [row['prov:specificEntity'], row['prov:generalEntity']].map(
      (entity) => generationOf.get(entity) ?? `generation of ${String(entity)}`,
    );
    before(general!, specific!);
  }
  const after = new Map<string, Precedes[]>();
  for (const edge of edges) after.set(edge.from, [...(after.get(edge.from) ?? []), edge]);
  const reaches = (from: string, to: string): boolean => {
    const seen = new Set([from]);
    for (const each of seen) for (const edge of after.get(each) ?? []) seen.add(edge.to);
    return seen.has(to);
  };
  const mistakes = edges
    .filter(({from, to, strict}) => strict && (from === to || reaches(to, from)))
    .map(({from, to}) => `${from} would have to be before ${to} and after it`);
  for (const {from, to} of edges) {
    const [a, b] = [times.get(from), times.get(to)];
    if (a !== undefined && b !== undefined && a > b) mistakes.push(`${from} is later than ${to}`);
  }
  return mistakes;
}
