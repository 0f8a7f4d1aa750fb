/** What the benchmark needs to know of a runner: how to get it, how to tell it a shape, what to type. */
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {homedir} from 'node:os';
import path from 'node:path';
import type {Shape} from '../shapes.js';

export interface Typed {
  readonly words: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Peer {
  readonly name: string;
  /** Brings it here where it is missing. Throws a sentence when it cannot be had. */
  install(): {readonly version: string};
  /** Writes what it has to know of a shape into an empty folder; every node's output is to be `<id>.txt` there. */
  lay(shape: Shape, folder: string): void;
  /** What brings everything up to date, typed in that folder. */
  run(folder: string): Typed;
  /** What is typed to find out that nothing is to be done, where that is something else. */
  again?(folder: string): Typed;
  /** What has to be said beside its figures. */
  readonly note?: string;
}

/** Downloads that are kept from one benchmark to the next. */
function cacheFolder(env = process.env): string {
  if (env['R1_CACHE']) return path.resolve(env['R1_CACHE']);
  const base = env['XDG_CACHE_HOME'];
  return path.join(base && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'r1');
}

/** Runs a program to its end. Throws what it said when it fails. */
function must(program: string, words: readonly string[], cwd: string): void {
  const {status, error, stderr} = spawnSync(program, words, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (error !== undefined) throw new Error(`${program} cannot be started: ${error.message}`);
  if (status !== 0) {
    const said = stderr.trim().split('\n').slice(-2).join(' ').slice(0, 200);
    throw new Error(`${path.basename(program)} ${words[0] ?? ''} failed: ${said}`);
  }
}

/** A folder in the cache, filled once; the mark is written last, so that a broken fill is not taken for a whole one. */
function filled(name: string, fill: (folder: string) => void): string {
  const folder = path.join(cacheFolder(), 'bench', name);
  const mark = path.join(folder, 'whole');
  if (existsSync(mark)) return folder;
  rmSync(folder, {recursive: true, force: true});
  mkdirSync(folder, {recursive: true});
  fill(folder);
  writeFileSync(mark, '');
  return folder;
}

/** A virtual environment with these packages in it; returns its folder of programs. */
export function python(name: string, ...packages: readonly string[]): string {
  const folder = filled(name, (empty) => {
    must('python3', ['-m', 'venv', empty], empty);
    must(path.join(empty, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages], empty);
  });
  return path.join(folder, 'bin');
}

/** A folder with the files of one package of PyPI, without what it depends on. */
export const wheel = (name: string, pack: string): string =>
  filled(name, (empty) => {
    const words = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', empty];
    must('python3', [...words, pack], empty);
  });

/** A folder with a package of npm in its `node_modules`. */
export const npm = (name: string, ...packages: readonly string[]): string =>
  filled(name, (empty) => {
    writeFileSync(path.join(empty, 'package.json'), '{"private": true}');
    must('npm', ['install', '--no-audit', '--no-fund', ...packages], empty);
  });
