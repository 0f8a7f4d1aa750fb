/** Where this package lies and what its `package.json` says. Nobody else counts how many folders are above a module of ours. */
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/** URL of the folder of the compiled modules, with a slash at its end. */
export const OWN_MODULES = new URL('../../', import.meta.url).href;

/** URL of the folder of the package, with a slash at its end. */
const OWN_ROOT = new URL('../', OWN_MODULES).href;

/** URL of a module of ours by its path below the compiled modules, e.g. `stages/main.js`. */
export const ownUrl = (path: string): string => OWN_MODULES + path;

/** Path of a file of the package, compiled or not, e.g. `dist/stages/main.js`. */
export const ownFile = (path: string): string => fileURLToPath(new URL(path, OWN_ROOT));

/** The process of every stage starts here. */
export const stageEntry = (): string => fileURLToPath(ownUrl('stages/main.js'));

/** Our own compiled modules are plain ones; what lies elsewhere may be typed, and may import us by the package's name. */
export const isOwn = (url: string): boolean => url.startsWith(OWN_MODULES) && !/\.[mc]?tsx?$/.test(url);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines: {readonly node: string};
  readonly exports: Readonly<Record<string, string | {readonly default: string}>>;
}

let manifest: Manifest | undefined;

export function ownManifest(): Manifest {
  return (manifest ??= JSON.parse(readFileSync(ownFile('package.json'), 'utf8')) as Manifest);
}

let targets: ReadonlyMap<string, string> | undefined;

/** `r1`, `r1/stages` … → URL of the module of this package that its `exports` name. */
export const ownExport = (specifier: string): string | undefined =>
  /^r1(\/|$)/.test(specifier) ? ownExports().get(specifier) : undefined;

function ownExports(): ReadonlyMap<string, string> {
  if (targets === undefined) {
    const {name, exports} = ownManifest();
    targets = new Map(
      Object.entries(exports).map(([path, target]) => [
        path.replace(/^\./, name),
        new URL(typeof target === 'string' ? target : target.default, OWN_ROOT).href,
      ]),
    );
  }
  return targets;
}

let doors: ReadonlySet<string> | undefined;

/** URLs of the modules that pass on what others of ours have, for those who ask by the package's name. */
export const ownDoors = (): ReadonlySet<string> =>
  (doors ??= new Set([...ownExports().values()].filter((url) => /\/index\.js$/.test(url))));
