/** What the terminal and the one who started r1 have to do with this process: foreground or not, there or gone, hangups ignored. */
import {closeSync, existsSync, fstatSync, openSync, readFileSync, readlinkSync} from 'node:fs';
import {basename} from 'node:path';
import {isatty} from 'node:tty';

const PROC = '/proc/self';

/** Whether the terminal is somebody else's just now, who would find our lines drawn over what they type. */
export function isInBackground(): boolean {
  if (!existsSync(`${PROC}/stat`)) return false; // nothing tells
  const stat = readFileSync(`${PROC}/stat`, 'utf8');
  // The second field, the command's name in brackets, may hold blanks. After it: state, parent, group, session, terminal, the
  // group that the terminal belongs to (-1 without one).
  const [, , group, , , foreground = -1] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return foreground > 0 && foreground !== group;
}

let isSparing = false;

/**
 * At its end Node puts a terminal back into the state in which it was found. It aborts where that cannot be done, since the
 * terminal was closed (Node 20; a segmentation fault with threads about), and takes the line editing of a shell away where r1 ran in
 * its background. Descriptors that lead elsewhere by then are left alone.
 */
export function spareTerminalAtExit(): void {
  if (isSparing) return;
  isSparing = true;
  process.on('exit', () => {
    for (const descriptor of [0, 1, 2]) if (mustBeSpared(descriptor)) leadNowhere(descriptor);
  });
}

function mustBeSpared(descriptor: number): boolean {
  try {
    // A terminal that was closed is no terminal any more, but still a device.
    return fstatSync(descriptor).isCharacterDevice() && (!isatty(descriptor) || isInBackground());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return false; // somebody closed it, which is as good
    throw error;
  }
}

function leadNowhere(descriptor: number): void {
  closeSync(descriptor);
  openSync('/dev/null', 'r+'); // takes the lowest free number, which is this one
}

/**
 * Whether whoever started r1 wanted it to outlive the terminal (`nohup`, `trap '' HUP`). Node forgets at its start that a signal was
 * to be ignored, so it is told from what is left: the parent ignores it too, or the marks of `nohup`, the shell's word for what it
 * started and an input that can only be written to.
 */
export function isHangupIgnored(): boolean {
  if (basename(process.env['_'] ?? '') === 'nohup') return true;
  if (!existsSync(`${PROC}/fdinfo/0`)) return false;
  const [, flags = ''] = /^flags:\s*(\d+)/m.exec(readFileSync(`${PROC}/fdinfo/0`, 'utf8')) ?? [];
  const isWriteOnly = (parseInt(flags, 8) & 3) === 1;
  if (isWriteOnly && readlinkSync(`${PROC}/fd/0`) === '/dev/null') return true;
  const parent = `/proc/${process.ppid}/status`;
  if (!existsSync(parent)) return false; // it has ended
  const [, ignored = '0'] = /^SigIgn:\s*([0-9a-f]+)/m.exec(readFileSync(parent, 'utf8')) ?? [];
  return (Number.parseInt(ignored.slice(-1), 16) & 1) === 1; // SIGHUP is signal 1
}
