/** Runs other programs for set-up and keeps the end of what they print, to be shown only when they fail. */
import {spawn} from 'node:child_process';
import {accessSync, constants} from 'node:fs';
import path from 'node:path';

const keptCharacters = 100_000;

/** @type {Set<import('node:child_process').ChildProcess>} what runs now; it ends with us */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/**
 * @typedef {{cwd?: string, env?: Record<string, string | undefined>, timeoutMs?: number, onText?: (text: string) => void}} RunOptions
 * @typedef {{ok: boolean, output: string, problem: string}} Ran `problem` is one phrase, empty when all went well
 */

/**
 * Runs a program to its end. It never throws: a program that is missing is a problem like any other.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Ran>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: {...process.env, ...options.env},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let output = '';
    let late = false;
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(end, options.timeoutMs);
    function end() {
      late = true;
      child.kill('SIGKILL');
    }
    /** @param {Buffer} chunk */
    const keep = (chunk) => {
      const text = chunk.toString();
      output = (output + text).slice(-keptCharacters);
      options.onText?.(text);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => finish(`${command} could not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      if (late) return finish(`${command} did not end within ${String((options.timeoutMs ?? 0) / 1000)} s`);
      return finish(code === 0 ? '' : `${command} ended with ${signal ?? `exit code ${String(code)}`}`);
    });
    /** @param {string} problem */
    function finish(problem) {
      clearTimeout(timer);
      running.delete(child);
      resolve({ok: problem === '', output, problem});
    }
  });
}

/** The last lines of an output, as the ways out of a SetupError show them. @param {string} output @param {number} [count] */
export function lastLines(output, count = 30) {
  return output.trimEnd().split('\n').slice(-count);
}

/** The full path of a program, or undefined when the search path has none. @param {string} name */
export function whichProgram(name) {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder: the search goes on, and "nowhere" is the caller's to judge.
    }
  }
  return undefined;
}
