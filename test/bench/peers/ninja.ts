/** Ninja: times of files decide, and nothing is hashed or recorded beyond a log of commands. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {scriptFor} from '../shapes.js';
import {python} from './peer.js';
import type {Peer} from './peer.js';

const VERSION = '1.13.2';
let programs = '';

export const ninja: Peer = {
  name: 'ninja',
  install() {
    programs = python(`ninja-${VERSION}`, `ninja==${VERSION}`);
    return {version: VERSION};
  },
  lay({nodes}, folder) {
    const builds = nodes.map((node) => {
      const needs = node.needs.map((need) => ` ${need}.txt`).join('');
      return `build ${node.id}.txt: sh${needs}\n  script = ${scriptFor(node, `${node.id}.txt`)}\n`;
    });
    writeFileSync(path.join(folder, 'build.ninja'), `rule sh\n  command = $script\n${builds.join('')}`);
  },
  run: () => ({words: [path.join(programs, 'ninja'), '--quiet']}),
  note: 'hashes nothing',
};
