/** Modules that may be somebody's own. What these need lies apart, because it takes time to load. */
import {isOwn} from './own-package.js';

/** What a module exports, wherever it lies. @throws whatever Node throws for a module that cannot be imported */
export async function importModule(url: string): Promise<Record<string, unknown>> {
  if (isOwn(url)) return (await import(url)) as Record<string, unknown>;
  return (await import('./hooks.js')).importForeign(url);
}
