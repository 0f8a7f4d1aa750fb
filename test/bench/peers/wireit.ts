/** wireit, started without npm in front of it, which would cost as much again. */
import {symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {scriptFor} from '../shapes.js';
import {npm} from './peer.js';
import type {Peer} from './peer.js';

const VERSION = '0.14.13';
let home = '';

export const wireit: Peer = {
  name: 'wireit',
  install() {
    home = npm(`wireit-${VERSION}`, `wireit@${VERSION}`);
    return {version: VERSION};
  },
  lay({nodes}, folder) {
    const scripts = Object.fromEntries(nodes.map(({id}) => [id, 'wireit']));
    const wired = nodes.map((node) => [
      node.id,
      {
        command: scriptFor(node, `${node.id}.txt`),
        dependencies: node.needs,
        files: [],
        output: [`${node.id}.txt`],
      },
    ]);
    const manifest = {
      name: 'bench',
      version: '1.0.0',
      private: true,
      scripts,
      wireit: Object.fromEntries(wired) as object,
    };
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(path.join(folder, 'package-lock.json'), '{}');
    symlinkSync(path.join(home, 'node_modules'), path.join(folder, 'node_modules'));
  },
  run: (folder) => ({
    words: [process.execPath, path.join(folder, 'node_modules', 'wireit', 'bin', 'wireit.js')],
    // What npm would have told it.
    env: {
      npm_lifecycle_event: 'end',
      npm_package_json: path.join(folder, 'package.json'),
      npm_config_user_agent: 'npm/10.0.0',
      npm_command: 'run-script',
      WIREIT_LOGGER: 'quiet',
    },
  }),
  note: 'without npm',
};
