/** What it costs to start when everything is in place, beside what starting Node costs on this machine. */
import {execFileSync} from 'node:child_process';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {inTurn, report} from './report.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const node =
  (...args: string[]) =>
  () => {
    execFileSync(process.execPath, args, {cwd: root, stdio: 'ignore'});
  };

const times = await inTurn(
  {
    'bare node -e 0': node('-e', '0'),
    'set-up with everything in place': node('bin/setup.js'),
    'r1 --help': node(path.join('dist', 'bin', 'start.cjs'), '--help'),
  },
  7,
);
for (const [name, value] of Object.entries(times)) {
  report({name, value, unit: 'ms', ...(name.startsWith('set-up') ? {target: 500} : {})});
}
