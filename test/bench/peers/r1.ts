/** Ourselves, by the command line and with a recipe file, as anybody would use it. */
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Peer} from './peer.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

const RECIPE = `
import {readFileSync} from 'node:fs';
import {many, recipe} from 'r1';
import {command} from 'r1/stages';

export const step = command({
  module: import.meta.url, name: 'step', inputs: {from: many('text')}, outputs: {out: 'text'}, params: {script: ''},
  argv: ({outputs, params}) => ['/bin/sh', '-c', params.script.replaceAll('$OUT', outputs.out)],
});

export default recipe('bench', (add) => {
  const made = {};
  for (const {id, needs, script} of JSON.parse(readFileSync(new URL('nodes.json', import.meta.url), 'utf8'))) {
    const from = Object.fromEntries(needs.map((need) => [need, made[need]]));
    made[id] = add(id, step, {from}, {script}).out;
  }
});
`;

export const R1 = path.join(ROOT, 'dist', 'bin', 'start.cjs');

function install(): {readonly version: string} {
  const {version} = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {version: string};
  return {version};
}

export const r1: Peer = {
  name: 'r1',
  install,
  lay({nodes}, folder) {
    writeFileSync(path.join(folder, 'bench.recipe.js'), RECIPE);
    writeFileSync(path.join(folder, 'nodes.json'), JSON.stringify(nodes));
  },
  run: () => ({words: [process.execPath, R1, 'run', './bench.recipe.js']}),
};

const COMPILED = fileURLToPath(new URL('../recipes/compiled.js', import.meta.url));

/** With a recipe that needs no module hooks, as the built-in ones do not. */
export const r1Compiled: Peer = {
  name: 'r1, recipe of the package,',
  install,
  lay: r1.lay,
  run: () => ({words: [process.execPath, R1, 'run', COMPILED]}),
};
