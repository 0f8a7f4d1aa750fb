/** Graphs of trivial commands that every runner is given, and the one with a large output. */

export interface ShapeNode {
  /** A word that every runner takes as a name. */
  readonly id: string;
  readonly needs: readonly string[];
  /** For a shell; `$OUT` stands for the file that it has to write. */
  readonly script: string;
}

export interface Shape {
  readonly nodes: readonly ShapeNode[];
  /** The nodes between `start` and `end`, where they are alike, so that a runner may write them as a pattern. */
  readonly fan: readonly string[];
}

const node = (id: string, ...needs: string[]): ShapeNode => ({id, needs, script: `echo ${id} > "$OUT"`});

/** What a node's script does, with the output's path in it; no path here has a quote in it. */
export const scriptFor = ({script}: ShapeNode, out: string): string => script.replaceAll('$OUT', out);

/** start ─→ three branches of three ─→ join ─→ tail ─→ end. */
export const thirteen: Shape = {
  fan: [],
  nodes: [
    node('start'),
    ...['a', 'b', 'c'].flatMap((branch) => [
      node(`${branch}1`, 'start'),
      node(`${branch}2`, `${branch}1`),
      node(`${branch}3`, `${branch}2`),
    ]),
    node('join', 'a3', 'b3', 'c3'),
    node('tail', 'join'),
    node('end', 'tail'),
  ],
};

/** start ─→ `width` nodes ─→ end. */
export function fanOf(width: number): Shape {
  const fan = Array.from({length: width}, (_, i) => `fan_${i}`);
  return {fan, nodes: [node('start'), ...fan.map((id) => node(id, 'start')), node('end', ...fan)]};
}

/** One node that copies `source`. */
export const copyOf = (source: string): Shape => ({
  fan: [],
  nodes: [{id: 'end', needs: [], script: `cp "${source}" "$OUT"`}],
});
