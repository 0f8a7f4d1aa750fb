/** Modules that may be somebody's own. What these need lies apart, because it takes time to load. */
import {isOwn} from './own-package.js';
import type {SnapshotPlace} from './snapshot/snapshot.js';

/** What the module of a job's stage exports, where code of the job is given by a snapshot. @throws whatever Node throws, or that it is damaged */
export async function importServed(url: string, place: SnapshotPlace): Promise<Record<string, unknown>> {
  const [{serve}, {serveFiles}] = await Promise.all([import('./hooks.js'), import('./snapshot/files.js')]);
  serve(place);
  serveFiles(place);
  return importModule(url);
}

/** What a module exports, wherever it lies. @throws whatever Node throws for a module that cannot be imported */
export async function importModule(url: string): Promise<Record<string, unknown>> {
  if (isOwn(url)) return (await import(url)) as Record<string, unknown>;
  return (await import('./hooks.js')).importForeign(url);
}
