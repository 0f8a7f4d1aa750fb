/** Which modules need the hooks of `hooks.ts`. Apart from them, because before Node 22 hooks cost a thread. */

const OWN = new URL('../', import.meta.url).href;

/** Our own compiled modules are plain ones; what lies elsewhere may be typed, and may import us by the package's name. */
export const needsHooks = (url: string): boolean => !url.startsWith(OWN) || /\.m?ts$/.test(url);
