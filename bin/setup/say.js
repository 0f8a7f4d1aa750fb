/**
 * What set-up prints, all of it on stderr so that the output of the command that follows stays clean.
 *
 * A finished step is one line. A step under way shows on a terminal in one line that is rewritten, and elsewhere as a
 * line every ten seconds, so that a log stays short and nobody thinks that it hangs.
 */
const terminal = process.stderr.isTTY === true;
const quietMs = 10_000;

/** @type {Map<string, string>} step → what it is doing */
const underway = new Map();
/** @type {Map<string, number>} step → when it last printed a line, where the output is no terminal */
const printed = new Map();
let heading = false;

/** @param {string} step @param {string} text */
const lineOf = (step, text) => `  ${step.padEnd(12)}${text}\n`;

function redraw() {
  if (!terminal) return;
  const text = [...underway].map(([step, doing]) => `${step}: ${doing}`).join(' · ');
  process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
}

/** Prints a line that stays. @param {string} step @param {string} text */
export function say(step, text) {
  if (!heading) {
    process.stderr.write('Setting up\n');
    heading = true;
  }
  if (terminal) process.stderr.write('\r\x1b[K');
  process.stderr.write(lineOf(step, text));
  printed.set(step, Date.now());
  redraw();
}

/** Says what a step is doing now. @param {string} step @param {string} text */
export function doing(step, text) {
  underway.set(step, text);
  if (terminal) return redraw();
  const now = Date.now();
  if (now - (printed.get(step) ?? 0) < quietMs) return undefined;
  return say(step, text);
}

/** Ends a step's moving line. @param {string} step */
export function endStep(step) {
  underway.delete(step);
  redraw();
}

/**
 * Repeats `text(seconds)` until `work` has ended.
 * @template T
 * @param {string} step
 * @param {(seconds: number) => string} text
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function saying(step, text, work) {
  const began = Date.now();
  const tick = () => doing(step, text(Math.round((Date.now() - began) / 1000)));
  const timer = setInterval(tick, 500);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    endStep(step);
  }
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${bytes < 9.5e6 ? (bytes / 1e6).toFixed(1) : String(Math.round(bytes / 1e6))} MB`;
}
