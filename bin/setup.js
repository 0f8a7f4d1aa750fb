#!/usr/bin/env node
/**
 * Brings a fresh clone to where `r1` runs: packages, native parts, TensorFlow, compiled sources.
 *
 * Each step looks first whether its work is in place, so that a second start costs a fraction of a second. Uses nothing
 * but Node's own modules, since nothing else is installed yet. Variables that it obeys: R1_DEVICE (cpu or gpu),
 * R1_CACHE (where downloads and builds are kept), R1_LIBTENSORFLOW (a folder with TensorFlow's libraries and headers).
 */
import path from 'node:path';
import {SetupError} from './setup/failure.js';
import {withLock} from './setup/lock.js';
import {chooseDevice, gpuTraces, listGpus} from './setup/machine.js';
import {installPackages} from './setup/packages.js';
import {root} from './setup/places.js';
import {bundleR1} from './setup/one-file/bundle.js';
import {bindingInPlace, setUpBinding} from './setup/binding.js';
import {lastRuntime, runtimeHolds, writeRuntime} from './setup/runtime.js';
import {say} from './setup/say.js';
import {buildSources} from './setup/sources.js';
import {setUpSqlite, sqliteInPlace} from './setup/sqlite.js';
import {librariesInPlace, setUpLibraries} from './setup/tensorflow.js';

const supportedNodes = [20, 22, 24];

function checkNode() {
  if (supportedNodes.includes(Number(process.versions.node.split('.')[0]))) return;
  throw new SetupError(`Node ${process.versions.node} is not supported.`, [
    `Use Node ${supportedNodes.join(', ')}; the npm package “node” brings any of them: npx node@22 bin/setup.js`,
  ]);
}

/** The GPUs of last time when nothing hints at others, since nvidia-smi can take seconds. */
async function gpus() {
  const last = lastRuntime();
  return last.gpus !== undefined && last.gpuTraces === gpuTraces() ? last.gpus : await listGpus();
}

async function setUpTensorflow() {
  const found = await gpus();
  const device = chooseDevice(process.env['R1_DEVICE'], found);
  let changed = false;
  if (!librariesInPlace(device)) {
    await setUpLibraries(device);
    changed = true;
  }
  if (!bindingInPlace()) {
    await setUpBinding();
    changed = true;
  }
  if (changed || !runtimeHolds(device)) await writeRuntime(device, found);
}

async function setUp() {
  await installPackages();
  // One waits for the network while the other compiles; both come to an end before either's failure is reported.
  const results = await Promise.allSettled([sqliteInPlace() ? undefined : setUpSqlite(), setUpTensorflow()]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  await buildSources();
  await bundleR1();
}

/** @param {unknown} error */
function complain(error) {
  if (error instanceof SetupError) {
    process.stderr.write(`\nSet-up failed: ${error.message}\n${error.ways.map((way) => `  ${way}\n`).join('')}`);
  } else if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') {
    process.stderr.write(
      `\nSet-up failed: the disk is full (${error.message}).\n  Free 3 GB, or set R1_CACHE to a folder on a larger disk.\n`,
    );
  } else if (error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EROFS')) {
    process.stderr.write(
      `\nSet-up failed: a folder cannot be written (${error.message}).\n  Set R1_CACHE to a folder of yours, or work in a clone of yours.\n`,
    );
  } else {
    throw error;
  }
  process.exitCode = 1;
}

try {
  checkNode();
  const onWait = (/** @type {number} */ pid) =>
    say('waiting', `another set-up (process ${String(pid)}) works on this clone`);
  await withLock(path.join(root, 'dist', '.setup.lock'), onWait, setUp);
} catch (error) {
  complain(error);
}
