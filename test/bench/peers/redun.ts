/** redun: every node a task that runs the command and returns its file. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {scriptFor} from '../shapes.js';
import {python} from './peer.js';
import type {Peer} from './peer.js';

const VERSION = '0.44.1';
let programs = '';

/** The content is what counts in our own store, so here a file is hashed by content where it is large. */
const WORKFLOW = `
import json, subprocess
from typing import List
from redun import task, File
from redun.file import ContentFile

redun_namespace = "bench"
NODES = json.load(open("nodes.json"))
Kind = ContentFile if len(NODES) == 1 else File

@task()
def node(id: str, script: str, needs: List[File]) -> File:
    subprocess.run(["/bin/sh", "-c", script], check=True)
    return Kind(id + ".txt")

@task()
def main() -> File:
    made = {}
    for each in NODES:
        made[each["id"]] = node(each["id"], each["script"], [made[need] for need in each["needs"]])
    return made["end"]
`;

export const redun: Peer = {
  name: 'redun',
  install() {
    programs = python(`redun-${VERSION}`, `redun==${VERSION}`);
    return {version: VERSION};
  },
  lay({nodes}, folder) {
    writeFileSync(path.join(folder, 'workflow.py'), WORKFLOW);
    const told = nodes.map((node) => ({...node, script: scriptFor(node, `${node.id}.txt`)}));
    writeFileSync(path.join(folder, 'nodes.json'), JSON.stringify(told));
  },
  run: () => ({words: [path.join(programs, 'redun'), 'run', 'workflow.py', 'main']}),
};
