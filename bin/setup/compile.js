/** What native builds need: a compiler, make, Python, and the headers of this very Node. */
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {SetupError} from './failure.js';
import {nodeGyp} from './packages.js';
import {lastLines, run, whichProgram} from './shell.js';

/** Names a build for reuse: what it was compiled for, C library included. */
export function platformName() {
  const report = /** @type {{header: {glibcVersionRuntime?: string}}} */ (process.report.getReport());
  const musl = process.platform === 'linux' && report.header.glibcVersionRuntime === undefined;
  return `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
}

/** The ABI number that a header folder was made for. @param {string} prefix */
function abiOfHeaders(prefix) {
  const file = path.join(prefix, 'include/node/node_version.h');
  if (!existsSync(file)) return undefined;
  return /#define NODE_MODULE_VERSION (\d+)/.exec(readFileSync(file, 'utf8'))?.[1];
}

/**
 * The prefix whose include/node fits this Node, or undefined: then node-gyp fetches the headers itself.
 * Most ways of installing Node bring them along, which saves the download.
 */
export function headersPrefix() {
  const candidates = [
    process.env['npm_config_nodedir'],
    path.join(path.dirname(process.execPath), '..'),
    // The npm package “node” keeps them in the package of its platform, below or beside itself.
    path.join(path.dirname(process.execPath), '../node_modules', `node-${process.platform}-${process.arch}`),
    path.join(path.dirname(process.execPath), '../..', `node-${process.platform}-${process.arch}`),
    '/usr',
    '/usr/local',
  ];
  return candidates.find((prefix) => prefix !== undefined && abiOfHeaders(prefix) === process.versions.modules);
}

/** @returns {SetupError | undefined} what a build would miss */
function missingTools() {
  const compiler = process.env['CXX']?.split(' ')[0] ?? 'g++';
  const wanted = [compiler, 'make', 'python3'];
  const missing = wanted.filter((name) => whichProgram(name) === undefined && !existsSync(name));
  if (missing.length === 0) return undefined;
  return new SetupError(`Building the native parts needs ${missing.join(' and ')}, which is not on the search path.`, [
    'On Debian or Ubuntu: apt-get install g++ make python3',
    'On Fedora: dnf install gcc-c++ make python3',
  ]);
}

/**
 * Runs a build tool in a package's folder, with node-gyp and the headers made known to it.
 * @param {string} what what is built, for the message
 * @param {string} folder
 * @param {(gyp: string) => readonly string[]} args of this Node: the tool's entry file and what it gets
 */
export async function build(what, folder, args) {
  const missing = missingTools();
  if (missing !== undefined) throw missing;
  const gyp = nodeGyp();
  const prefix = headersPrefix();
  const env = {npm_config_node_gyp: gyp, npm_config_nodedir: prefix, JOBS: 'max'};
  const result = await run(process.execPath, args(gyp), {cwd: folder, env});
  if (result.ok) return;
  const ways = lastLines(result.output);
  if (prefix === undefined) {
    ways.push(`The headers of Node ${process.version} are not installed, so node-gyp has to fetch them.`);
    ways.push('Where it cannot: unpack the headers and set npm_config_nodedir to the folder above include/node');
  }
  throw new SetupError(`Building ${what} failed: ${result.problem}.`, ways);
}
