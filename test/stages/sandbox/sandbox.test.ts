/** The sandbox holds, says so truthfully, and goes with the process that opened it. */
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {suite, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {limitsOf, prlimitWords} from '../../../stages/sandbox/limits.js';
import {openPythonSandbox} from '../../../stages/sandbox/python.js';
import {programPath, sandboxOf} from '../../../stages/sandbox/sandbox.js';
import {seccompFilter} from '../../../stages/sandbox/seccomp.js';
import {usageOf} from '../../../stages/sandbox/usage.js';
import {opened, shortLimits} from '../../rig/python-sandbox.js';

const {skip} = opened;
const root = new URL('../../../../', import.meta.url);

async function outputOf(source: string, limits = shortLimits): Promise<string> {
  const {sandbox, python} = opened.python!;
  const running = sandbox.start([python, '-I', '-S', '-c', source], {limits});
  running.stdin.end();
  running.stderr.resume();
  let text = '';
  for await (const piece of running.stdout) text += String(piece);
  await running.ended;
  return text;
}

void suite('the sandbox', {skip}, () => {
  test('two at once have a limit on processes each', async () => {
    const source =
      'import os, signal, time\nchildren = []\ntry:\n    while True:\n        child = os.fork()\n' +
      '        if child == 0: signal.pause()\n        children.append(child)\nexcept BlockingIOError: pass\n' +
      'time.sleep(0.3)\nprint(len(children))\nfor child in children: os.kill(child, 9)\n';
    const limits = limitsOf(5, {processes: 12});
    const [one, other] = await Promise.all([outputOf(source, limits), outputOf(source, limits)]);
    assert.ok(Number(one) >= 9 && Number(one) < 12, one);
    assert.equal(one, other);
  });

  test('a process of the sandbox is no user of this machine', async () => {
    assert.equal(
      await outputOf('import os; print(os.getuid(), os.getgid(), os.getgroups() in ([], [1000], [65534]))'),
      '1000 1000 True\n',
    );
    assert.equal(await outputOf('import socket; print(socket.gethostname())'), 'sandbox\n');
  });

  test('the probe finds what is open where there is no sandbox', () => {
    const probe = fileURLToPath(new URL('stages/sandbox/probe.py', root));
    const words = [
      ...prlimitWords(limitsOf(10)).filter((word) => !/nproc|core/.test(word)),
      '--',
      opened.python!.python,
      '-I',
      probe,
    ];
    const given = JSON.stringify({canary: probe, port: 9, processes: 4});
    const {stdout, stderr} = spawnSync(programPath('prlimit')!, words, {input: given, encoding: 'utf8'});
    const cracks = JSON.parse(stdout || JSON.stringify([stderr])) as string[];
    for (const expected of [
      /files of this machine can be seen/,
      /programs have or can get privileges/,
      /the number of processes has no limit/,
    ])
      assert.ok(
        cracks.some((crack) => expected.test(crack)),
        `${String(expected)} in ${cracks.join('; ')}`,
      );
  });

  test('programs end with the process that started them, however that ends', async () => {
    const script =
      `import {openPythonSandbox} from ${JSON.stringify(new URL('dist/stages/sandbox/python.js', root).href)};\n` +
      `import {limitsOf} from ${JSON.stringify(new URL('dist/stages/sandbox/limits.js', root).href)};\n` +
      "const {sandbox, python} = await openPythonSandbox('bubblewrap');\n" +
      "const running = sandbox.start([python, '-c', 'import time; print(1, flush=True); time.sleep(1000)'], {limits: limitsOf(300)});\n" +
      "running.stdout.once('data', () => process.stdout.write('up'));\n";
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const below = usageOf(child.pid!)!;
    assert.ok(below.memoryBytes > 0 && below.cpuSeconds > 0);
    const before = sandboxesOf(child.pid!);
    assert.equal(before.length, 1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const isLeft = (): boolean => usageOf(before[0]!) !== undefined;
    for (let tries = 0; tries < 100 && isLeft(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(!isLeft());
  });

  test('an interpreter that is none is refused by its name', async () => {
    await assert.rejects(openPythonSandbox('bubblewrap', '/usr/bin/true'), /\/usr\/bin\/true: does not start/);
    await assert.rejects(openPythonSandbox('bubblewrap', '/nowhere/python3'), /\/nowhere\/python3: does not start/);
  });
});

const sandboxesOf = (pid: number): number[] =>
  spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], {encoding: 'utf8'})
    .stdout.split('\n')
    .filter(Boolean)
    .map(Number);

test('who trusts every program says so by the name of the choice, and still has limits', async () => {
  const {sandbox, python} = await openPythonSandbox('none-i-trust-every-program');
  assert.equal(sandbox.kind, 'none-i-trust-every-program');
  const end = async (source: string) => {
    const running = sandbox.start([python, '-I', '-S', '-c', source], {limits: limitsOf(1)});
    running.stdin.end();
    running.stdout.resume();
    running.stderr.resume();
    return running.ended;
  };
  assert.deepEqual(await end('print(1)'), {how: 'exited', code: 0});
  assert.deepEqual(await end('while True: pass'), {how: 'cpu-time'});
  assert.deepEqual(await end('x = [0] * 10 ** 9'), {how: 'exited', code: 1});
});

test('without bubblewrap nothing runs, and the message says what to install', () => {
  const before = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  try {
    // The system's own folders are looked into whatever the PATH says.
    const isThere = programPath('bwrap') !== undefined;
    if (isThere) assert.equal(sandboxOf('bubblewrap').kind, 'bubblewrap');
    else assert.throws(() => sandboxOf('bubblewrap'), /run in bubblewrap, which is not installed: install it/);
    assert.equal(programPath('no-such-program'), undefined);
  } finally {
    process.env['PATH'] = before;
  }
});

test('the filter of system calls allows what it does not name, and knows the machine', () => {
  for (const [arch, audit, clone] of [
    ['x64', 0xc000003e, 56],
    ['arm64', 0xc00000b7, 220],
  ] as const) {
    const filter = seccompFilter(arch)!;
    const decide = (call: {arch?: number; number: number; argument?: number}) =>
      run(filter, {arch: audit, argument: 0, ...call});
    assert.equal(decide({number: 0}), 0x7fff0000);
    assert.equal(decide({number: 0, arch: 0x40000003}), 0x80000000);
    assert.equal(decide({number: arch === 'x64' ? 101 : 117}), 0x50001); // ptrace
    assert.equal(decide({number: 435}), 0x50026); // clone3: ENOSYS
    assert.equal(decide({number: clone, argument: 0x11}), 0x7fff0000); // fork
    assert.equal(decide({number: clone, argument: 0x10000011}), 0x50001); // a user namespace
    const socket = arch === 'x64' ? 41 : 198;
    assert.equal(decide({number: socket, argument: 1}), 0x7fff0000);
    assert.equal(decide({number: socket, argument: 2}), 0x7fff0000);
    assert.equal(decide({number: socket, argument: 40}), 0x50061); // vsock: EAFNOSUPPORT
    assert.equal(decide({number: socket, argument: 16}), 0x50061); // netlink
  }
  assert.equal(run(seccompFilter('x64')!, {arch: 0xc000003e, number: 0x40000001, argument: 0}), 0x80000000); // x32
  assert.equal(seccompFilter('mips'), undefined);
});

/** What a filter returns: the part of classic BPF that it is written in. */
function run(filter: Buffer, data: {arch: number; number: number; argument: number}): number {
  let word = 0;
  for (let at = 0; ; at++) {
    const code = filter.readUInt16LE(8 * at);
    const [onTrue, onFalse, k] = [
      filter.readUInt8(8 * at + 2),
      filter.readUInt8(8 * at + 3),
      filter.readUInt32LE(8 * at + 4),
    ];
    if (code === 0x06) return k;
    if (code === 0x20) word = {0: data.number, 4: data.arch, 16: data.argument}[k]!;
    else {
      const isTrue = {0x15: word === k, 0x35: word >= k, 0x45: (word & k) !== 0}[code]!;
      at += isTrue ? onTrue : onFalse;
    }
  }
}
