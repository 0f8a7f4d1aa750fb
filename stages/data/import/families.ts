/**
 * Which rows belong together: those of one group, and those that ask one question in any spelling; and whoever belongs together
 * with one of these. Each family is on one side of the split. Rows are known by hashes, so that a file of any size fits.
 */
import {createHash} from 'node:crypto';

/** Rows by number, as they were added. */
export class Families {
  readonly #nodes = new Map<string, number>();
  readonly #hashes: string[] = [];
  /** A node's parent in its tree; a root is its own. */
  readonly #parents: number[] = [];
  readonly #rows: number[] = [];
  #names: readonly string[] | undefined;

  /**
   * Adds a row; the next number is its.
   *
   * @param hash `questionHash` of its question
   */
  add(hash: string, group: string | undefined): void {
    const asked = this.#node(`q${hash}`);
    this.#rows.push(asked);
    // Groups come first in the order of names: a family with one keeps its name when a variant of its question is added.
    if (group !== undefined)
      this.#join(asked, this.#node(`g${createHash('sha256').update(`group:${group}`).digest('hex').slice(0, 16)}`));
    this.#names = undefined;
  }

  /** The name of a row's family: the hash of its question where it is alone, else of one of its groups. It is the same in any order of rows. */
  of(row: number): string {
    this.#names ??= this.#namesOfRoots();
    return this.#names[this.#root(this.#rows[row]!)]!.slice(1);
  }

  get count(): number {
    return this.#parents.filter((parent, node) => parent === node).length;
  }

  #node(hash: string): number {
    const known = this.#nodes.get(hash);
    if (known !== undefined) return known;
    const node = this.#parents.push(this.#parents.length) - 1;
    this.#hashes.push(hash);
    this.#nodes.set(hash, node);
    return node;
  }

  #join(one: number, other: number): void {
    this.#parents[this.#root(one)] = this.#root(other);
  }

  #root(node: number): number {
    let root = node;
    while (this.#parents[root] !== root) root = this.#parents[root]!;
    for (let at = node; at !== root;) {
      const next = this.#parents[at]!;
      this.#parents[at] = root;
      at = next;
    }
    return root;
  }

  #namesOfRoots(): readonly string[] {
    const names: string[] = [];
    for (const [node, hash] of this.#hashes.entries()) {
      const root = this.#root(node);
      const name = names[root];
      if (name === undefined || hash < name) names[root] = hash;
    }
    return names;
  }
}
