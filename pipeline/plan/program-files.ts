/**
 * Files of their own that the command lines of programs name by `new URL('./train.py', import.meta.url)`, and that are not there
 * or cannot be executed: found before anything runs, and not after what runs before them has taken its hours.
 */
import {accessSync, constants, statSync} from 'node:fs';
import {extname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {UserError} from '../../artifacts/index.js';
import {absolutePaths} from '../job/folder.js';
import {isMany, refsOf, threadsOf} from '../wiring/nodes.js';
import type {StageNode, WiredNode} from '../wiring/nodes.js';
import type {Plan} from './plan.js';

/** A file that these nodes could not do without, or that they name all the same. */
export interface ProgramFile {
  readonly nodes: readonly string[];
  readonly path: string;
  /** The file whose code names it: a recipe, or a module that it imports. */
  readonly namedIn: string;
  readonly wrong: 'missing' | 'not-a-file' | 'not-executable';
  /** Whether nothing can come of it. Else it may be a place that the program writes to. */
  readonly isProgram: boolean;
}

/** What an interpreter is handed as its program. */
const SCRIPTS: ReadonlySet<string> = new Set(
  ['.py', '.sh', '.bash', '.js', '.mjs', '.cjs', '.ts', '.mts', '.pl', '.rb', '.r', '.jl', '.lua', '.php'].flatMap(
    (extension) => [extension, extension.toUpperCase()],
  ),
);

/** Of what would run. What is reused needs no program. */
export const planProgramFiles = ({nodes}: Pick<Plan, 'nodes'>): readonly ProgramFile[] =>
  programFilesOf(
    [...nodes.values()].flatMap(({action, node}) => (action === 'run' || action === 'maybe' ? [node] : [])),
  );

/** Each file once, with the nodes that name it. */
export function programFilesOf(nodes: Iterable<WiredNode>): readonly ProgramFile[] {
  const found = new Map<string, ProgramFile & {readonly nodes: string[]}>();
  const looked = new Map<string, ProgramFile['wrong'] | undefined>();
  for (const node of nodes) {
    if (node.type === 'source') continue;
    const {module} = node.stage;
    for (const {path, isFirst} of filesNamedBy(node)) {
      const key = `${isFirst} ${path}`;
      if (!looked.has(key)) looked.set(key, wrongWith(path, isFirst));
      const wrong = looked.get(key);
      if (wrong === undefined) continue;
      const known = found.get(`${key} ${module}`);
      if (known === undefined) {
        const isProgram = isFirst || SCRIPTS.has(extname(path));
        found.set(`${key} ${module}`, {nodes: [node.id], path, namedIn: fileURLToPath(module), wrong, isProgram});
      } else if (known.nodes.at(-1) !== node.id) known.nodes.push(node.id);
    }
  }
  return [...found.values()];
}

/** Only the first word is executed; any may be a folder or a file, so long as it is there. */
function wrongWith(path: string, isFirst: boolean): ProgramFile['wrong'] | undefined {
  const stat = statSync(path, {throwIfNoEntry: false});
  if (stat === undefined) return 'missing';
  if (!isFirst) return undefined;
  if (!stat.isFile()) return 'not-a-file';
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return 'not-executable';
  }
}

interface NamedFile {
  readonly path: string;
  /** It is the first word, which is what is executed. */
  readonly isFirst: boolean;
}

/** Nothing can lie below it, nor be written there: an `argv` that wants to look at its inputs or to write down something fails. */
const NOWHERE = '/dev/null/r1';

/**
 * The file URLs of its command line, as it would be of a job that is nowhere: an `argv` that throws here may be right where there
 * are inputs. What is a text there is nobody's to judge.
 */
function filesNamedBy(node: StageNode): readonly NamedFile[] {
  const {stage, params} = node;
  if (stage.argv === undefined) return [];
  const inputs: Record<string, string | Record<string, string>> = {};
  for (const [port, declared] of Object.entries(stage.inputs)) if (isMany(declared)) inputs[port] = {};
  for (const {port, name} of refsOf(node)) {
    if (name === undefined) inputs[port] = `inputs/${port}`;
    else (inputs[port] as Record<string, string>)[name] = `inputs/${port}/${name}`;
  }
  const outputs = Object.fromEntries(Object.keys(stage.outputs).map((port) => [port, `outputs/${port}`]));
  const context = {
    ...absolutePaths(NOWHERE, {inputs, outputs}),
    params: structuredClone(params),
    seed: 0,
    threads: threadsOf(node),
    scratch: join(NOWHERE, 'scratch'),
  };
  try {
    const words: unknown = stage.argv((stage.environment === undefined ? context : withAnyWord(context)) as never);
    return Array.isArray(words)
      ? words.flatMap((word: unknown, index) =>
          word instanceof URL ? {path: fileURLToPath(word), isFirst: index === 0} : [],
        )
      : [];
  } catch {
    return [];
  }
}

/** What an environment adds is known only when it is there; any name stands for a path until then. */
const withAnyWord = (context: object): object =>
  new Proxy(context, {
    get: (target, name) =>
      typeof name === 'symbol' || name in target ? (Reflect.get(target, name) as unknown) : join(NOWHERE, name),
  });

const WRONG: Readonly<Record<ProgramFile['wrong'], string>> = {
  missing: 'is not there',
  'not-a-file': 'is not a file',
  'not-executable': 'cannot be executed',
};

/** Without what can be done about it. */
export function programFileText({nodes, path, namedIn, wrong}: ProgramFile): string {
  const rest = nodes.length - 1;
  const who = rest === 0 ? nodes[0]! : `${nodes[0]!} and ${rest} more`;
  return `${who}: ${path} ${WRONG[wrong]}; the command in ${namedIn} names it`;
}

/** What can be done about it. */
export const programFileHint = ({path, wrong}: ProgramFile): string | undefined =>
  wrong === 'not-executable'
    ? `chmod +x ${path}, or put what runs it before it, as in ['/bin/sh', new URL(…)]`
    : undefined;

/** Before anything is recorded or run. @throws UserError 'bad-argument' */
export function requirePrograms(files: readonly ProgramFile[]): void {
  const wrong = files.filter(({isProgram}) => isProgram);
  if (wrong.length === 0) return;
  const hints = wrong.flatMap((file) => programFileHint(file) ?? []);
  throw new UserError('bad-argument', wrong.map(programFileText).join('\n'), {
    hint: hints.length > 0 ? hints.join('\n') : 'put the file there, or correct its name',
  });
}
