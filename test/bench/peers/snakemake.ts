/** Snakemake: like nodes are one rule with a wildcard, as one would write it. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {scriptFor} from '../shapes.js';
import type {ShapeNode} from '../shapes.js';
import {python} from './peer.js';
import type {Peer} from './peer.js';

const VERSION = '9.27.1';
let programs = '';

const quoted = (text: string) => `'${text}'`;

function rule(node: ShapeNode, fan: readonly string[]): string {
  const fanned = node.needs.length > 0 && node.needs.length === fan.length;
  const needs = fanned
    ? `expand("{i}.txt", i=[f"fan_{n}" for n in range(${fan.length})])`
    : node.needs.map((need) => quoted(`${need}.txt`)).join(', ');
  return [
    `rule ${node.id}:`,
    ...(needs === '' ? [] : [`  input: ${needs}`]),
    `  output: ${quoted(`${node.id}.txt`)}`,
    `  shell: ${quoted(scriptFor(node, '{output}'))}`,
    '',
  ].join('\n');
}

export const snakemake: Peer = {
  name: 'Snakemake',
  install() {
    programs = python(`snakemake-${VERSION}`, `snakemake==${VERSION}`);
    return {version: VERSION};
  },
  lay({nodes, fan}, folder) {
    const inFan = new Set(fan);
    const single = nodes.filter(({id}) => !inFan.has(id));
    const pattern =
      fan.length === 0
        ? []
        : ["rule fan:\n  input: 'start.txt'\n  output: 'fan_{i}.txt'\n  shell: 'echo fan_{wildcards.i} > {output}'\n"];
    const all = "rule all:\n  input: 'end.txt'\n";
    writeFileSync(
      path.join(folder, 'Snakefile'),
      [all, ...single.map((node) => rule(node, fan)), ...pattern].join('\n'),
    );
  },
  run: (folder) => ({
    words: [path.join(programs, 'snakemake'), '--cores', 'all', '--quiet', 'all'],
    env: {XDG_CACHE_HOME: path.join(folder, '.cache')},
  }),
};
