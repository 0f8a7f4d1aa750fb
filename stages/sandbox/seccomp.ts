/**
 * A filter of system calls for programs in the sandbox, as the bytes that bubblewrap's `--seccomp` takes: classic BPF
 * (https://docs.kernel.org/userspace-api/seccomp_filter.html). It closes what namespaces and resource limits leave open: other
 * processes' memory, sockets that no network namespace holds (vsock, netlink), and memory that no limit counts (System V shared
 * memory, memfd).
 */

/** System call → its number on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl) and on arm64 (asm-generic/unistd.h). */
const REFUSED: Readonly<Record<string, readonly [x64: number | undefined, arm64: number | undefined]>> = {
  // Other processes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // Memory that belongs to no process's address space.
  shmget: [29, 194],
  shmctl: [31, 195],
  shmat: [30, 196],
  msgget: [68, 186],
  semget: [64, 190],
  mq_open: [240, 180],
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  vmsplice: [278, 75],
  // Namespaces and mounts.
  unshare: [272, 97],
  setns: [308, 268],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  // Large parts of the kernel that no program of this kind needs.
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  quotactl: [179, 60],
  acct: [163, 89],
  syslog: [103, 116],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  personality: [135, 92],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  modify_ldt: [154, undefined],
  iopl: [172, undefined],
  ioperm: [173, undefined],
};

interface Machine {
  /** AUDIT_ARCH_… of linux/audit.h. */
  readonly audit: number;
  readonly column: 0 | 1;
  readonly clone: number;
  readonly socket: number;
  /** Numbers from here on belong to another calling convention (x32). */
  readonly foreignFrom?: number;
}

const MACHINES: Readonly<Partial<Record<NodeJS.Architecture, Machine>>> = {
  x64: {audit: 0xc000003e, column: 0, clone: 56, socket: 41, foreignFrom: 0x4000_0000},
  arm64: {audit: 0xc00000b7, column: 1, clone: 220, socket: 198},
};

/** The same number on both machines. */
const CLONE3 = 435;
/** Every CLONE_NEW… flag that `clone` takes: mount, cgroup, UTS, IPC, user, PID and network namespaces. */
const NEW_NAMESPACES = 0x7e02_0000;
/** AF_UNIX, AF_INET, AF_INET6: these are held by the network namespace, which has nothing but a loopback of its own. */
const FAMILIES = [1, 2, 10];

const [EPERM, EAFNOSUPPORT, ENOSYS] = [1, 97, 38];

// Instructions: load a word of `struct seccomp_data`, jumps, return.
const [LOAD, EQUAL, AT_LEAST, HAS_BITS, RETURN] = [0x20, 0x15, 0x35, 0x45, 0x06];
// Offsets in `struct seccomp_data`; the low half of the first argument.
const [NUMBER, ARCH, FIRST_ARGUMENT] = [0, 4, 16];
const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const refuse = (errno: number): number => 0x0005_0000 + errno;

type Instruction = readonly [code: number, onTrue: number, onFalse: number, k: number];

/** `if (word ? k) return result;` */
const when = (test: number, k: number, result: number): Instruction[] => [
  [test, 0, 1, k],
  [RETURN, 0, 0, result],
];

/**
 * The filter's bytes; `undefined` on a machine whose numbers are not known here.
 *
 * @param arch as `process.arch` says it
 */
export function seccompFilter(arch: NodeJS.Architecture = process.arch): Buffer | undefined {
  const machine = MACHINES[arch];
  if (machine === undefined) return undefined;
  const {audit, column, clone, socket, foreignFrom} = machine;
  const numbers = Object.values(REFUSED).flatMap((both) => both[column] ?? []);
  const families = FAMILIES.flatMap((family) => when(EQUAL, family, ALLOW));
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCH],
    [EQUAL, 1, 0, audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER],
    ...(foreignFrom === undefined ? [] : when(AT_LEAST, foreignFrom, KILL_PROCESS)),
    ...numbers.flatMap((number) => when(EQUAL, number, refuse(EPERM))),
    // Its flags lie in memory, where a filter cannot look. The C library falls back to `clone`.
    ...when(EQUAL, CLONE3, refuse(ENOSYS)),
    [EQUAL, 0, 4, clone],
    [LOAD, 0, 0, FIRST_ARGUMENT],
    ...when(HAS_BITS, NEW_NAMESPACES, refuse(EPERM)),
    [RETURN, 0, 0, ALLOW],
    [EQUAL, 0, 2 + families.length, socket],
    [LOAD, 0, 0, FIRST_ARGUMENT],
    ...families,
    [RETURN, 0, 0, refuse(EAFNOSUPPORT)],
    [RETURN, 0, 0, ALLOW],
  ];
  const bytes = Buffer.alloc(8 * program.length);
  program.forEach(([code, onTrue, onFalse, k], index) => {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(onTrue, 8 * index + 2);
    bytes.writeUInt8(onFalse, 8 * index + 3);
    bytes.writeUInt32LE(k, 8 * index + 4);
  });
  return bytes;
}
