/** What the kernel's counters say of a process that was killed; they are files here that the test writes. */
import assert from 'node:assert/strict';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {MemoryWatch, killCount, lackSince, lackSinceRecord} from '../../../pipeline/executors/memory-kills.js';
import {readProcess, writeProcess} from '../../../pipeline/executors/process-record.js';
import {temporaryFolder} from '../../rig/temporary.js';

const MIB = 2 ** 20;
const PID = 42;
const V2 = '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';
const V1 =
  '29 23 0:25 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n33 23 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n';
const events = (kills: number): string => `low 0\nhigh 0\nmax 7\noom 1\noom_kill ${kills}\noom_group_kill 0\n`;
const control = (kills: number): string => `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`;
const vmstat = (kills: number): string => `nr_free_pages 1\noom_kill ${kills}\nthp_split 0\n`;

/** A system of these files. */
function system(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = temporaryFolder(t);
  const set = (more: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(more)) {
      mkdirSync(dirname(join(root, path)), {recursive: true});
      writeFileSync(join(root, path), text);
    }
  };
  set({'proc/meminfo': `MemTotal:       ${8 * 1024 * 1024} kB\nMemFree: 1 kB\n`, ...files});
  return {root, set, remove: (path: string) => rmSync(join(root, path))};
}

const GROUP = 'sys/fs/cgroup/user.slice/job/memory.events';
const second = {
  'proc/self/mountinfo': V2,
  [`proc/${PID}/cgroup`]: '0::/user.slice/job\n',
  'proc/self/cgroup': '0::/user.slice/job\n',
  [GROUP]: events(3),
  'proc/vmstat': vmstat(5),
};

test('what the kernel killed in the group of the process is told, with the memory of the narrowest group around it', (t) => {
  const {root, set} = system(t, {
    ...second,
    'sys/fs/cgroup/user.slice/job/memory.max': 'max\n',
    'sys/fs/cgroup/user.slice/memory.max': `${512 * MIB}\n`,
  });
  const before = killCount(PID, root);
  assert.deepEqual(before, {group: {file: join(root, GROUP), kills: 3}, machine: 5});
  set({[GROUP]: events(4), 'proc/vmstat': vmstat(6)});
  assert.deepEqual(lackSince(before, root), {ended: 'own', bytes: 512 * MIB, of: 'group'});
  set({'sys/fs/cgroup/user.slice/memory.max': 'max\n'});
  assert.deepEqual(lackSince(before, root), {ended: 'own', bytes: 8192 * MIB, of: 'machine'});
});

test('what it killed elsewhere on the machine is not sure to be this, and nothing is sure to be nothing', (t) => {
  const {root, set, remove} = system(t, second);
  const before = killCount(PID, root);
  assert.deepEqual(lackSince(before, root), {ended: 'none'});
  set({'proc/vmstat': vmstat(6)});
  assert.deepEqual(lackSince(before, root), {ended: 'some', bytes: 8192 * MIB, of: 'machine'});
  remove('proc/vmstat');
  assert.deepEqual(lackSince(before, root), {ended: 'none'}, 'by its group alone');
  remove(GROUP);
  assert.equal(lackSince(before, root), undefined);
});

test('version 1 of control groups counts as well, and a container sees its own as the top', (t) => {
  const group = 'sys/fs/cgroup/memory/docker/abc/memory.oom_control';
  const host = system(t, {
    'proc/self/mountinfo': V1,
    [`proc/${PID}/cgroup`]: '8:pids:/docker/abc\n4:memory:/docker/abc\n0::/\n',
    [group]: control(0),
    'sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': `${256 * MIB}\n`,
  });
  const before = killCount(PID, host.root);
  assert.deepEqual(before, {group: {file: join(host.root, group), kills: 0}});
  host.set({[group]: control(1)});
  assert.deepEqual(lackSince(before, host.root), {ended: 'own', bytes: 256 * MIB, of: 'group'});
  const inside = 'sys/fs/cgroup/memory/memory.oom_control';
  const container = system(t, {
    'proc/self/mountinfo': V1.replace('0:30 / ', '0:30 /docker/abc '),
    [`proc/${PID}/cgroup`]: '4:memory:/docker/abc\n',
    [inside]: control(2),
  });
  assert.deepEqual(killCount(PID, container.root), {group: {file: join(container.root, inside), kills: 2}});
});

test('a system that tells nothing is not known', (t) => {
  const {root} = system(t, {});
  assert.deepEqual(killCount(PID, root), {});
  assert.equal(lackSince({}, root), undefined);
});

test('what was killed long before the end does not count, what was killed just before does', (t) => {
  const {root, set} = system(t, second);
  let now = 0;
  const watch = new MemoryWatch(PID, {root, clock: () => now});
  const later = (ms: number) => {
    now += ms;
    watch.look();
  };
  later(10_000);
  set({[GROUP]: events(4)});
  assert.equal(watch.lack()?.ended, 'own');
  later(30_000); // sees it, and still compares with what was before
  assert.equal(watch.lack()?.ended, 'own');
  later(30_000);
  assert.equal(watch.lack()?.ended, 'none');
});

test('a runner that takes a process over compares with what the one before it wrote down', (t) => {
  const {root, set} = system(t, second);
  const folder = temporaryFolder(t);
  writeProcess(folder, {pid: PID, boot: 'b', kills: killCount(PID, root)});
  const earlier = readProcess(folder)!.kills;
  set({[GROUP]: events(4)});
  assert.equal(new MemoryWatch(PID, {root, earlier}).lack()?.ended, 'own');
  assert.equal(lackSinceRecord(earlier!, root)?.ended, 'some', 'of one that is gone it is not known when it went');
  // It does not open whatever a record names.
  const strange = {group: {file: join(root, 'strange'), kills: 0}};
  set({strange: events(9)});
  assert.equal(lackSinceRecord(strange, root), undefined);
  assert.equal(new MemoryWatch(PID, {root, earlier: strange}).lack(), undefined);
  for (const kills of [1, null, {group: {file: 1, kills: 1}}, {machine: 'x'}]) {
    writeProcess(folder, {pid: PID, boot: 'b', kills: kills as never});
    assert.deepEqual(readProcess(folder), {pid: PID, boot: 'b'}, JSON.stringify(kills));
  }
});
