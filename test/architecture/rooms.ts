/**
 * The order within each of the four rooms: an entry, a folder or a file at the top of the room, may import what stands on the
 * lines above its own. Types count: who needs the type of something needs to know it.
 */
import path from 'node:path/posix';
import {importsOf, parse, targetOf} from './imports.js';
import type {Tree} from './imports.js';
import {productFiles} from './rules.js';

/** From the bottom to the top; entries of one line do not know each other. */
export const ORDER: Readonly<Record<string, readonly string[]>> = {
  artifacts: [
    'digest.ts',
    'remedy.ts records.ts',
    'error.ts',
    'path-error.ts real-path.ts files.ts layout.ts',
    'temporary-folder.ts',
    'guard.ts database',
    'folder',
    'blobs',
    'parts.ts',
    'facts',
    'store.ts',
    'formats',
    'queries',
    'upkeep',
    'export',
    'index.ts lineage.ts',
  ],
  pipeline: [
    'result.ts definition.ts',
    'params.ts',
    'stage-environment.ts',
    'stage.ts',
    'outcome.ts recipe.ts',
    'events.ts',
    'values',
    'modules',
    'wiring',
    'fingerprint',
    'job',
    'executors plan',
    'run',
    'inspect',
    'api.ts',
    'index.ts',
  ],
  stages: [
    'random.ts common-params.ts link-tree.ts temporary-folder.ts',
    'sandbox python',
    'tensorflow',
    'model',
    'engine',
    'train',
    'text',
    'tasks',
    'data',
    'endpoint',
    'graders memory',
    'rewards',
    'rollout',
    'evaluation',
    'samples suites trl',
    // One file for each stage.
    '*.ts',
    // Out of other stages.
    'student.ts',
    'index.ts main.ts',
    'recipes',
  ],
  bin: [
    'exit-codes.ts cli-context.ts',
    'terminal',
    'access',
    'options',
    'render',
    'execution',
    'commands',
    'main.ts',
    'r1.ts start.cts',
  ],
};

/** `pipeline/job/folder.ts` → `['pipeline', 'job']`; a file at the top of a room is an entry of its own. */
const placeOf = (file: string): readonly [string, string] => {
  const [room = '', entry = ''] = file.split('/');
  return [room, entry];
};

function heightOf(room: string, entry: string): number {
  const lines = ORDER[room] ?? [];
  const own = lines.findIndex((line) => line.split(' ').includes(entry));
  return own === -1 && entry.endsWith('.ts') ? lines.indexOf('*.ts') : own;
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly line: number;
}

/** Imports between product files of one room. */
function edgesOf(tree: Tree): Edge[] {
  const files = new Set(productFiles(tree));
  return [...files].flatMap((file) =>
    importsOf(parse(file, tree.get(file)!)).flatMap(({specifier, line}) => {
      const to = targetOf(file, specifier);
      return to !== undefined && files.has(to) && placeOf(to)[0] === placeOf(file)[0] ? [{from: file, to, line}] : [];
    }),
  );
}

/** Entries that the order does not name, and imports that climb. */
export function climbing(tree: Tree): string[] {
  const unknown = productFiles(tree)
    .filter((file) => heightOf(...placeOf(file)) === -1)
    .map((file) => `${file} has no place in the order of its room`);
  const climbs = edgesOf(tree).flatMap(({from, to, line}) => {
    const [here, there] = [placeOf(from), placeOf(to)];
    if (here[1] === there[1]) return [];
    return heightOf(...there) < heightOf(...here) ? [] : [`${from}:${line} climbs to ${to}`];
  });
  return [...unknown, ...climbs];
}

/** Circles of files, and of what lies in one folder taken as wholes, at every depth. */
export function circles(tree: Tree): string[] {
  const edges = edgesOf(tree);
  const files = circleIn(edges.map(({from, to}) => [from, to]));
  if (files !== undefined) return [files.join(' → ')];
  const folders = new Set(edges.flatMap(({from}) => foldersOf(from)));
  return [...folders].sort().flatMap((folder) => {
    const within = (file: string): string | undefined =>
      file.startsWith(`${folder}/`) ? `${folder}/${file.slice(folder.length + 1).split('/')[0]!}` : undefined;
    const among = edges.flatMap(({from, to}): (readonly [string, string])[] => {
      const [here, there] = [within(from), within(to)];
      return here === undefined || there === undefined || here === there ? [] : [[here, there]];
    });
    const circle = circleIn(among);
    return circle === undefined ? [] : [circle.join(' → ')];
  });
}

const foldersOf = (file: string): string[] => {
  const folder = path.dirname(file);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
};

/** A way that comes back to where it began, if there is one. */
function circleIn(edges: readonly (readonly [string, string])[]): readonly string[] | undefined {
  const next = new Map<string, string[]>();
  for (const [from, to] of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (at: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(at)) return [...way.slice(way.indexOf(at)), at];
    if (done.has(at)) return undefined;
    for (const to of next.get(at) ?? []) {
      const found = visit(to, [...way, at]);
      if (found !== undefined) return found;
    }
    done.add(at);
    return undefined;
  };
  for (const at of next.keys()) {
    const found = visit(at, []);
    if (found !== undefined) return found;
  }
  return undefined;
}
