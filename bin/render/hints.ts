/** Remedies as commands: what to type, from what an error says as data that a person can do. */
import {isAbsolute, relative} from 'node:path';
import {pathToFileURL} from 'node:url';
import {shortDigest} from '../../artifacts/index.js';
import type {Remedy} from '../../artifacts/index.js';
import {unreachable} from '../../pipeline/result.js';
import {DEFAULT_RECIPE, RECIPES} from '../access/recipes.js';

/** What errors, and outcomes of a node, say beside their message. */
export interface Mendable {
  /** A sentence that needs no command line. */
  readonly hint?: string | undefined;
  readonly remedy?: Remedy | undefined;
}

/** The lines below an error's message; undefined where nothing is known to help. */
export function hintOf({hint, remedy}: Mendable): string | undefined {
  const lines = [...(remedy === undefined ? [] : [remedyText(remedy)]), ...(hint === undefined ? [] : [hint])];
  return lines.length === 0 ? undefined : lines.join('\n');
}

function remedyText(remedy: Remedy): string {
  switch (remedy.type) {
    case 'choose-folder':
      return `${remedy.or === undefined ? '' : `${remedy.or}, or `}give another folder with --store FOLDER`;
    case 'name-folder':
      return 'leave --store out for .r1, or give a folder: --store FOLDER';
    case 'use-empty-folder':
      return `a store needs a folder of its own, new or empty: --store ${remedy.folder}`;
    case 'use-store-around':
      return `use that one, --store ${remedy.store}, or give a folder of its own`;
    case 'use-local-disk':
      return 'put the store on a local disk with --store FOLDER; inputs and exports may stay where they are';
    case 'replace-link':
      return 'put a folder in its place; the whole store may lie behind a link: --store LINK';
    case 'make-store':
      return '`r1 run` makes one; --store FOLDER names another';
    case 'follow-store':
      return 'if it was moved, continue it in its new place: r1 resume --store FOLDER';
    case 'restore-database':
      return 'restore store.db from a copy, or start a new store with --store FOLDER';
    case 'verify':
      return '`r1 verify` names everything that is; restore store.db from a copy, or use another store with --store FOLDER';
    case 'check-disk':
      return 'check the disk and its free space, then `r1 verify`';
    case 'make-again':
      return `\`r1 show @${shortDigest(remedy.artifact)}\` says what made it; running that again brings them back`;
    case 'free-space':
      return `${remedy.maybe === true ? 'is the disk full? ' : ''}free some space (\`r1 gc --dry-run\` shows what the store could give) and run it again`;
    case 'wait':
      return 'wait for it, or see `r1 status`, and run it again';
    case 'wait-for-gc':
      return 'wait until `r1 gc` is through and run it again';
    case 'collect-later':
      return 'run `r1 gc` again later';
    case 'watch-run':
      return `r1 status ${remedy.run} shows what it does`;
    case 'list-runs':
      return `\`r1 runs\` lists them${remedy.newest === undefined ? '' : `; the newest is ${remedy.newest}`}`;
    case 'list-nodes':
      return remedy.run === undefined
        ? 'r1 status lists the nodes of the newest run'
        : `r1 status ${remedy.run} lists its nodes`;
    case 'list-params':
      return `\`${paramsCommand(remedy)}\` says what each param does and what it may be`;
    case 'begin-run':
      return '`r1 run` begins one';
    case 'list-lineage':
      return '`r1 runs` and `r1 lineage NODE` show what it knows';
    case 'read-log':
      return `it made nothing: \`r1 log ${remedy.node}\` shows what happened`;
    case 'give-tag':
      return 'a digest has at least 4 digits: @ab12; `r1 tag` gives names';
    case 'list-pins':
      return '`r1 pin` lists what is';
    case 'list-rows':
      return 'ids are the “id” of its lines; `r1 show` lists its files';
    case 'choose-dataset':
      return `say which: ${remedy.datasets.map((dataset) => `--in ${dataset}`).join(', ')}`;
    case 'use-its-store':
      return 'only what a run of this store made or was given has a lineage; --store FOLDER names another store';
    case 'run-anew':
      return ANEW[remedy.because];
    case 'end-processes':
      return `end what ${remedy.node} starts before it ends, then r1 resume ${remedy.run}`;
    case 'finish-on-resume':
      return `r1 resume ${remedy.run} --finish ${remedy.node} ends it with what its newest checkpoint holds`;
    case 'accept-checkpoint':
      return remedy.run === undefined
        ? '--accept-checkpoint continues from it anyway'
        : `r1 resume ${remedy.run} --accept-checkpoint continues from it`;
    case 'set-source':
      return `--source ${remedy.node}=PATH sets where it is`;
    case 'set-variable':
      return 'set it for r1, as in NAME=value r1 run …';
    case 'trust-recipe': {
      const path = remedy.file === undefined ? 'RECIPE' : `PATH/${remedy.file}`;
      return `${remedy.typed} --recipe ${path}\nnames the file of the recipe “${remedy.recipe}” that you trust (pipeline/README.md, “What is trusted”)`;
    }
    default:
      return unreachable(remedy);
  }
}

/** The recipe is left out where it is the one that is meant by itself. */
function paramsCommand({node, recipe, profile}: Extract<Remedy, {type: 'list-params'}>): string {
  const url = isAbsolute(recipe) ? pathToFileURL(recipe).href : undefined;
  const [name] = Object.entries(RECIPES).find(([, builtIn]) => builtIn === url) ?? [];
  const typed = name ?? (url === undefined ? recipe : relative(process.cwd(), recipe));
  return [
    `r1 params ${node}`,
    ...(typed === DEFAULT_RECIPE ? [] : [`--recipe ${typed}`]),
    ...(profile === undefined ? [] : [`--profile ${profile}`]),
  ].join(' ');
}

const ANEW: Readonly<Record<Extract<Remedy, {type: 'run-anew'}>['because'], string>> = {
  'source-changed': 'r1 run begins a new run with what it is now',
  'recipe-changed': 'r1 run follows the recipe as it is today',
  'bytes-gone': 'r1 run makes it again',
};
