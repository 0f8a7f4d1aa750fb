/** Modules that may be somebody's own. What these need lies apart, because it takes time to load. */

const OWN = new URL('../', import.meta.url).href;

/** Our own compiled modules are plain ones; what lies elsewhere may be typed, and may import us by the package's name. */
export const isOwn = (url: string): boolean => url.startsWith(OWN) && !/\.m?ts$/.test(url);

/** What a module exports, wherever it lies. @throws whatever Node throws for a module that cannot be imported */
export async function importModule(url: string): Promise<Record<string, unknown>> {
  if (isOwn(url)) return (await import(url)) as Record<string, unknown>;
  return (await import('./hooks.js')).importForeign(url);
}
