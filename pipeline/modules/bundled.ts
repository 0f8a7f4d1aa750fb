/**
 * Where r1 has started from one file (`bin/start.cts`), modules of ours that somebody asks for by name are those in that file.
 * Node knows nothing of them, so it is given a module that passes on what they export.
 *
 * Without this everything is the same, slower by about a millisecond for each module of r1 that a recipe asks for: Node would load
 * it a second time, from where it lies.
 */
import type {Door} from './rewrite-imports.js';

/** Under this `bin/start.cts` leaves a function of a module's address that gives the module, where the file has it. */
const MODULES = Symbol.for('r1.modules');

type ModuleOf = (url: string) => Readonly<Record<string, unknown>> | undefined;

export function doorInOneFile(url: string): Door | undefined {
  const moduleOf = (globalThis as {[MODULES]?: ModuleOf})[MODULES];
  const exports = moduleOf?.(url);
  if (exports === undefined) return undefined;
  const names = Object.keys(exports).filter((name) => name !== 'default');
  const text = [
    `const its = globalThis[Symbol.for('r1.modules')](${JSON.stringify(url)});`,
    `export const {${names.join(', ')}} = its;`,
    ...('default' in exports ? ['export default its.default;'] : []),
  ].join('\n');
  return {address: `data:text/javascript,${encodeURIComponent(text)}`, exports};
}
