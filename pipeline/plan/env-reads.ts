/**
 * Variables of the environment that the code of a stage reads and is not handed: they are set where r1 is run, so somebody
 * may think that they matter. Found by a look at the text of modules and scripts outside of this package, as a warning;
 * what decides is `environment.ts`.
 */
import {readFileSync, statSync} from 'node:fs';
import {basename, extname} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {CodeReader} from '../fingerprint/code-digest.js';
import {
  askedFor,
  declaredEnv,
  isOfTheShell,
  isPlatform,
  isSetForEachJob,
  missingVariables,
} from '../wiring/environment.js';
import {OWN_MODULES} from '../modules/own-package.js';
import type {Plan} from './plan.js';
import {modulesOf} from '../wiring/nodes.js';
import type {StageNode} from '../wiring/nodes.js';

/** Something about the environment that a person should know before a run. */
export type EnvironmentWarning =
  /** Set, read by the code of these nodes, and not handed on. */
  | {readonly problem: 'dropped'; readonly variable: string; readonly nodes: readonly string[]; readonly file: string}
  /** The node asks for it, and it cannot be handed on. */
  | {readonly problem: 'missing'; readonly nodes: readonly string[]; readonly message: string};

/** Hardly a text that a person wrote is longer, bytes. */
const LONGEST = 256 << 10;

const WORD = String.raw`([A-Za-z_]\w*)`;
/** `process.env.X`, `process.env['X']`; `env.X` where `env` comes from `node:process`. */
const JAVASCRIPT = new RegExp(String.raw`\b(?:process\??\.)?env(?:\??\.|(?:\?\.)?\[\s*['"\x60])${WORD}`, 'g');
/** `const {X, Y: y = 'a'} = process.env` */
const TAKEN_APART = /\{([^{}]*)\}\s*=\s*(?:process\.)?env\b(?!\s*[.[?])/g;
/** `os.environ['X']`, `os.environ.get('X')`, `os.getenv('X')` */
const PYTHON = new RegExp(String.raw`\b(?:environ(?:\.get)?|getenv)\s*[[(]\s*['"]${WORD}`, 'g');
/** `$X`, `${X}`, `${X:-a}` */
const SHELL = new RegExp(String.raw`\$\{?#?${WORD}`, 'g');

/** What the plan's nodes read or ask for and are not handed. Each module is looked at once. */
export function environmentWarnings(
  {plan, code}: {readonly plan: Plan; readonly code: CodeReader},
  processEnv: NodeJS.ProcessEnv,
): EnvironmentWarning[] {
  const warnings: EnvironmentWarning[] = [];
  const readBy = readsOf(code, processEnv);
  const dropped = new Map<string, {variable: string; nodes: string[]; file: string}>();
  for (const planned of plan.nodes.values()) {
    const {node} = planned;
    if (node.type === 'source') continue;
    if (planned.action === 'run' || planned.action === 'maybe') {
      for (const message of missingVariables(node, processEnv)) {
        warnings.push({problem: 'missing', nodes: [node.id], message});
      }
    }
    for (const {variable, file} of readBy(node)) {
      if (askedFor(node).includes(variable) || Object.hasOwn(declaredEnv(node) ?? {}, variable)) continue;
      const key = `${variable} ${file}`;
      const known = dropped.get(key);
      if (known === undefined) dropped.set(key, {variable, nodes: [node.id], file});
      else known.nodes.push(node.id);
    }
  }
  return [...warnings, ...[...dropped.values()].map((found) => ({problem: 'dropped', ...found}) as const)];
}

/** One sentence, which says what to do. */
export function environmentWarningText(warning: EnvironmentWarning): string {
  if (warning.problem === 'missing') return `${warning.message}; nothing will run without it`;
  const {variable, nodes, file} = warning;
  const who = nodes.length === 1 ? nodes[0]! : `${nodes[0]!} and ${nodes.length - 1} more`;
  return (
    `${who}: ${basename(file)} reads the environment variable ${variable}, which is set here but not handed on to a stage: ` +
    'declare it in env (then it counts) or in passEnv (then it does not), or make it a param'
  );
}

interface Read {
  readonly variable: string;
  readonly file: string;
}

/** Variables that are set, that a node's code reads, and that not every stage is handed; with the file that reads each. */
function readsOf(code: CodeReader, processEnv: NodeJS.ProcessEnv): (node: StageNode) => readonly Read[] {
  const files = new Map<string, readonly string[]>();
  const modules = new Map<string, readonly Read[]>();
  const isDropped = (name: string): boolean =>
    processEnv[name] !== undefined && !isPlatform(name) && !isSetForEachJob(name) && !isOfTheShell(name);
  const readsOfModule = (module: string, isProgram: boolean): readonly Read[] => {
    const key = isProgram ? `$${module}` : module;
    const known = modules.get(key);
    if (known !== undefined) return known;
    const reads: Read[] = [];
    for (const url of code.codeOf(module).urls) {
      if (url.startsWith(OWN_MODULES)) continue;
      const file = fileURLToPath(url);
      const fileKey = isProgram ? `$${file}` : file;
      let names = files.get(fileKey);
      if (names === undefined) files.set(fileKey, (names = namesIn(file, isProgram, isDropped)));
      for (const variable of names) reads.push({variable, file});
    }
    modules.set(key, reads);
    return reads;
  };
  return (node) => {
    const isProgram = node.stage.argv !== undefined;
    const [ofStage, ...ofDefinitions] = modulesOf(node).map((module) => readsOfModule(module, isProgram));
    if (ofDefinitions.length === 0) return ofStage!;
    // Definitions and stage may have a file in common.
    const all = [...ofStage!, ...ofDefinitions.flat()];
    return [...new Map(all.map((read) => [`${read.variable} ${read.file}`, read])).values()];
  };
}

function namesIn(file: string, isProgram: boolean, isDropped: (name: string) => boolean): readonly string[] {
  const kind = extname(file);
  const isScript = /^\.[cm]?[jt]sx?$/.test(kind);
  const isShell = /^\.(?:ba|k|z|da)?sh$/.test(kind);
  if (!isScript && !isShell && kind !== '.py') return [];
  if ((statSync(file, {throwIfNoEntry: false})?.size ?? Infinity) > LONGEST) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  const text = lines.filter((line) => !/^\s*(?:\/\/|\*|#)/.test(line)).join('\n');
  if (isShell) return shellNames(text, isDropped);
  if (kind === '.py') return unique([...text.matchAll(PYTHON)].map(([, name]) => name!)).filter(isDropped);
  const names = unique(javaScriptNames(text)).filter(isDropped);
  // In a template `${x}` is far more often a variable of the program than one of the environment.
  const isMeant = (name: string, isBraced: boolean): boolean => !isBraced || name === name.toUpperCase();
  return isProgram ? unique([...names, ...shellNames(text, isDropped, isMeant)]) : names;
}

const unique = (names: Iterable<string>): string[] => [...new Set(names)];

function* javaScriptNames(text: string): Generator<string> {
  if (!/\benv\b/.test(text)) return;
  const isImported = /\benv\b[^;]*\bfrom\s*['"](?:node:)?process['"]/.test(text);
  for (const [whole, name] of text.matchAll(JAVASCRIPT)) {
    if (whole.startsWith('process') || isImported) yield name!;
  }
  for (const [whole, taken] of text.matchAll(TAKEN_APART)) {
    if (!whole.includes('process.env') && !isImported) continue;
    for (const each of taken!.split(',')) {
      const [, name] = /^\s*([A-Za-z_]\w*)/.exec(each) ?? [];
      if (name !== undefined) yield name;
    }
  }
}

/** Names that a script of the shell reads and does not set itself. */
function shellNames(
  text: string,
  isDropped: (name: string) => boolean,
  isMeant: (name: string, isBraced: boolean) => boolean = () => true,
): string[] {
  const read = [...text.matchAll(SHELL)].filter(([whole, name]) => isMeant(name!, whole.includes('{')));
  return unique(read.map(([, name]) => name!))
    .filter(isDropped)
    .filter((name) => !new RegExp(String.raw`\b${name}=|\b(?:for|read|export|local)\s+${name}\b`).test(text));
}
