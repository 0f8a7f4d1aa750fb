/** What native builds need: a compiler, make, Python, and the headers of this very Node. */
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {SetupError} from './failure.js';
import {nodeGyp} from './packages.js';
import {cacheFolder} from './places.js';
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
function headersHere() {
  const platform = `node-${process.platform}-${process.arch}`;
  const beside = path.dirname(process.execPath);
  const candidates = [
    process.env['npm_config_nodedir'],
    path.join(beside, '..'),
    // The npm package “node” keeps them in the package of its platform, below or beside itself.
    path.join(beside, '../node_modules', platform),
    path.join(beside, '../..', platform),
    '/usr',
    '/usr/local',
  ];
  return candidates.find((prefix) => prefix !== undefined && abiOfHeaders(prefix) === process.versions.modules);
}

/**
 * The folder above the include/node of this very Node; fetched into the cache by node-gyp where no install has it.
 * @returns {Promise<string>}
 */
export async function headersPrefix() {
  const here = headersHere();
  if (here !== undefined) return here;
  const folder = path.join(cacheFolder(), 'node-gyp');
  const result = await run(process.execPath, [nodeGyp(), 'install', `--devdir=${folder}`], {});
  const prefix = path.join(folder, process.versions.node);
  if (result.ok && abiOfHeaders(prefix) === process.versions.modules) return prefix;
  throw new SetupError(`The headers of Node ${process.version} are not installed, and node-gyp could not fetch them.`, [
    ...lastLines(result.output, 8),
    'Unpack them by hand and set npm_config_nodedir to the folder above include/node',
  ]);
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
 * @param {Record<string, string | undefined>} [extra] more environment
 */
export async function build(what, folder, args, extra = {}) {
  const missing = missingTools();
  if (missing !== undefined) throw missing;
  const gyp = nodeGyp();
  const env = {npm_config_node_gyp: gyp, npm_config_nodedir: await headersPrefix(), JOBS: 'max', ...extra};
  const result = await run(process.execPath, args(gyp), {cwd: folder, env});
  if (!result.ok) throw new SetupError(`Building ${what} failed: ${result.problem}.`, lastLines(result.output));
}
