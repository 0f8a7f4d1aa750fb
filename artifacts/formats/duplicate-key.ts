/** Finds what `JSON.parse` passes over in silence: a key that stands twice in one object, where the last one would count. */

/** A string, a bracket, a comma or a colon; everything between them has no part in this. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{},:]/g;

/**
 * @param text JSON that `JSON.parse` takes
 * @returns the first key that an object has twice, or undefined
 */
export function duplicateKey(text: string): string | undefined {
  /** Keys of the objects that are open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let last: string | undefined;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':' && last !== undefined) {
      const keys = open.at(-1);
      const key = JSON.parse(last) as string;
      if (keys?.has(key) === true) return key;
      keys?.add(key);
    }
    last = token.startsWith('"') ? token : undefined;
  }
  return undefined;
}
