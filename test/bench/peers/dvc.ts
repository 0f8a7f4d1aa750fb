/** DVC: outputs are cached by content; stages run one after the other. */
import {execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {scriptFor} from '../shapes.js';
import {python} from './peer.js';
import type {Peer} from './peer.js';

const VERSION = '3.67.1';
let programs = '';

const env = (folder: string) => ({DVC_NO_ANALYTICS: '1', DVC_SITE_CACHE_DIR: path.join(folder, '.site')});

export const dvc: Peer = {
  name: 'DVC',
  install() {
    programs = python(`dvc-${VERSION}`, `dvc==${VERSION}`);
    return {version: VERSION};
  },
  lay({nodes}, folder) {
    const stages = nodes.map((node) => [
      node.id,
      {
        cmd: scriptFor(node, `${node.id}.txt`),
        deps: node.needs.map((need) => `${need}.txt`),
        outs: [`${node.id}.txt`],
      },
    ]);
    // JSON is YAML.
    writeFileSync(path.join(folder, 'dvc.yaml'), JSON.stringify({stages: Object.fromEntries(stages) as object}));
    execFileSync(path.join(programs, 'dvc'), ['init', '--no-scm', '--quiet'], {
      cwd: folder,
      env: {...process.env, ...env(folder)},
    });
  },
  run: (folder) => ({words: [path.join(programs, 'dvc'), 'repro', '--quiet'], env: env(folder)}),
};
