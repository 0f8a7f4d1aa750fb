/** `r1` on a terminal of its own, which can be typed into, resized and closed. Python, which set-up needs anyway, makes it. */
import {spawn} from 'node:child_process';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';

const R1 = fileURLToPath(new URL('../../bin/start.cjs', import.meta.url));

/** Passes on what the terminal shows; ends as the program does. Told by lines what to do with the terminal. */
const PTY = `
import fcntl, os, pty, select, struct, sys, termios
def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', int(rows), int(columns), 0, 0))
pid, master = pty.fork()
if pid == 0:
    resize(0, sys.argv[1], sys.argv[2])
    os.execvp(sys.argv[3], sys.argv[3:])
orders = ''
while master is not None:
    ready, _, _ = select.select([master, 0], [], [])
    if master in ready:
        try:
            seen = os.read(master, 65536)
        except OSError:
            seen = b''
        if not seen: break
        os.write(1, seen)
    if 0 in ready:
        told = os.read(0, 65536).decode()
        orders += told if told else 'close\\n'
        *lines, orders = orders.split('\\n')
        for word, *rest in (line.split(' ') for line in lines):
            if word == 'type': os.write(master, bytes.fromhex(rest[0]))
            elif word == 'size': resize(master, *rest)
            elif word == 'close':
                os.close(master)
                master = None
                break
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
`;

export interface OnTerminal {
  /** What the terminal got so far. */
  seen(): string;
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  close(): void;
  /** Exit code; 128 and the number of the signal where one killed it. */
  readonly ended: Promise<number | null>;
}

export function onTerminal(
  t: TestContext,
  words: readonly string[],
  {
    cwd,
    env = {},
    columns = 80,
    rows = 24,
  }: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly columns?: number;
    readonly rows?: number;
  },
): OnTerminal {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(NODE_TEST|R1_|NO_COLOR$|FORCE_COLOR$|CI$)/.test(name)),
  );
  const child = spawn(
    'python3',
    ['-c', PTY, String(columns), String(rows), process.execPath, '--enable-source-maps', R1, ...words],
    {
      cwd,
      env: {...environment, TERM: 'xterm-256color', ...env},
      stdio: ['pipe', 'pipe', 'inherit'],
      // The terminal goes with it, and with the terminal what runs there.
      signal: t.signal,
      killSignal: 'SIGKILL',
    },
  );
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
  child.stdin.on('error', () => undefined); // it has ended, which `ended` says
  child.on('error', () => undefined); // that it was ended with the test
  const order = (words: string): void => void child.stdin.write(`${words}\n`);
  return {
    seen: () => seen,
    type: (keys) => order(`type ${Buffer.from(keys).toString('hex')}`),
    resize: (wide, high) => order(`size ${wide} ${high}`),
    close: () => order('close'),
    ended: new Promise((resolve) => child.on('close', resolve)),
  };
}
