/** The documents: every README of the tree, ARCHITECTURE.md and CHANGELOG.md. */
import assert from 'node:assert/strict';
import {readFileSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {readPaper} from './markdown.js';
import type {Paper} from './markdown.js';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
export const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');
export const ROOMS = ['artifacts', 'bin', 'pipeline', 'stages', 'test'];

/** Files below a folder of the project, relative to it. */
export const filesIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder), {recursive: true, encoding: 'utf8'}).map((file) => file.replaceAll('\\', '/'));

const pages = ROOMS.flatMap((room) =>
  filesIn(room)
    .filter((file) => path.posix.basename(file) === 'README.md')
    .map((file) => `${room}/${file}`),
);
export const papers = new Map(
  ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', ...pages].map((name) => [name, readPaper(textOf(name))] as const),
);
export const paperOf = (name: string): Paper => {
  const paper = papers.get(name);
  assert.ok(paper !== undefined, `there is no ${name}`);
  return paper;
};
export const manifest = JSON.parse(textOf('package.json')) as {
  scripts: Record<string, string>;
  bin: Record<string, string>;
};
