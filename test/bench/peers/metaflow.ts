/** Metaflow: every node a step that runs the command; a large output is an artifact of the step, as is its way. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {scriptFor} from '../shapes.js';
import type {Shape, ShapeNode} from '../shapes.js';
import {python} from './peer.js';
import type {Peer, Typed} from './peer.js';

const VERSION = '2.19.39';
let programs = '';

const HEAD = `
import subprocess
from metaflow import FlowSpec, step

def sh(script):
    subprocess.run(["/bin/sh", "-c", script], check=True)

class Bench(FlowSpec):
`;

const step = (id: string, lines: readonly string[], argument = ''): string =>
  `    @step\n    def ${id}(self${argument}):\n${lines.map((line) => `        ${line}\n`).join('')}\n`;

const ran = (node: ShapeNode) => `sh(${JSON.stringify(scriptFor(node, `${node.id}.txt`))})`;

function flowOf({nodes, fan}: Shape): string {
  const [only] = nodes;
  if (nodes.length === 1) {
    // A flow has two steps at least.
    return (
      step('start', [ran(only!), 'self.big = open("end.txt", "rb").read()', 'self.next(self.end)']) +
      step('end', ['pass'])
    );
  }
  const inFan = new Set(fan);
  if (fan.length > 0) {
    const fanned = ['i = self.input', 'sh(f"echo fan_{i} > fan_{i}.txt")', 'self.next(self.end)'];
    const [start, end] = nodes.filter(({id}) => !inFan.has(id));
    return (
      step('start', [ran(start!), `self.items = list(range(${fan.length}))`, 'self.next(self.fan, foreach="items")']) +
      step('fan', fanned) +
      step('end_', [ran(end!), 'self.next(self.end)'], ', inputs').replaceAll('end_', 'gather') +
      step('end', ['pass'])
    ).replace(fanned[2]!, 'self.next(self.gather)');
  }
  return nodes
    .map((node) => {
      const next = nodes.filter(({needs}) => needs.includes(node.id)).map(({id}) => `self.${id}`);
      const lines = [ran(node), ...(next.length === 0 ? [] : [`self.next(${next.join(', ')})`])];
      return step(node.id, lines, node.needs.length > 1 ? ', inputs' : '');
    })
    .join('');
}

const typed = (folder: string, ...words: readonly string[]): Typed => ({
  words: [path.join(programs, 'python'), 'flow.py', '--no-pylint', '--quiet', ...words],
  env: {METAFLOW_DATASTORE_SYSROOT_LOCAL: folder, METAFLOW_USER: 'bench', METAFLOW_HOME: path.join(folder, '.home')},
});

export const metaflow: Peer = {
  name: 'Metaflow',
  install() {
    programs = python(`metaflow-${VERSION}`, `metaflow==${VERSION}`);
    return {version: VERSION};
  },
  lay(shape, folder) {
    const main = '\nif __name__ == "__main__":\n    Bench()\n';
    writeFileSync(path.join(folder, 'flow.py'), HEAD + flowOf(shape) + main);
  },
  run: (folder) => typed(folder, 'run', '--max-num-splits', '2000'),
  again: (folder) => typed(folder, 'resume', 'end', '--max-num-splits', '2000'),
  note: 'no-op: `resume end`, which runs the last step again',
};
