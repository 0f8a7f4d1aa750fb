/** Our own command line, watched from outside: how long it takes and how much memory it holds. */
import {spawn} from 'node:child_process';
import {closeSync, openSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {R1} from './peers/r1.js';

export interface Watched {
  readonly ms: number;
  /** Peak resident memory, MiB. */
  readonly peak: number;
  /** Resident memory at each look, MiB. */
  readonly memory: readonly number[];
}

/** How often the memory is looked at, ms. */
const LOOK = 100;
/** The last thing that the process does is to leave its own peak here. */
const NOTE = `import {writeFileSync} from 'node:fs';
process.on('exit', () => writeFileSync(process.env.R1_BENCH_PEAK, String(process.resourceUsage().maxRSS)));`;

/** Runs `r1 …` in `folder`. Throws what it said when it fails. */
export async function watch(folder: string, words: readonly string[]): Promise<Watched> {
  const peak = path.join(folder, '.peak');
  const said = path.join(folder, '.said');
  const out = openSync(said, 'w');
  const began = performance.now();
  const preload = `data:text/javascript,${encodeURIComponent(NOTE)}`;
  const child = spawn(process.execPath, ['--import', preload, R1, ...words], {
    cwd: folder,
    env: {...process.env, R1_BENCH_PEAK: peak},
    stdio: ['ignore', out, out],
  });
  const memory: number[] = [];
  const timer = setInterval(() => {
    const resident = residentOf(child.pid!);
    if (resident !== undefined) memory.push(resident);
  }, LOOK);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  }).finally(() => {
    clearInterval(timer);
    closeSync(out);
  });
  const ms = performance.now() - began;
  if (code !== 0) throw new Error(`r1 ${words.join(' ')} failed:\n${readFileSync(said, 'utf8').slice(-2000)}`);
  return {ms, peak: Number(readFileSync(peak, 'utf8')) / 1024, memory};
}

/** Undefined where the system does not tell, or the process has gone. */
function residentOf(pid: number): number | undefined {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return found === undefined ? undefined : Number(found) / 1024;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
