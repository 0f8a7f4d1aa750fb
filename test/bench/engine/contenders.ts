/** Who competes in what, how to get them, and what to type. */
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {workerEnvironment} from '../../../stages/rollout/process.js';
import {readRuntimeFacts} from '../../../stages/tensorflow/runtime-class.js';
import {python} from '../peers/peer.js';

/** `train` makes optimizer updates, `generate` tokens; `matmul` multiplies large matrices. */
export type Kind = 'train' | 'generate' | 'matmul';

export interface Entrant {
  readonly name: string;
  readonly kinds: readonly Kind[];
  readonly sizes: readonly string[];
  readonly ours?: true;
  /** Ours with every operator called by itself: what compiling is compared with. */
  readonly eager?: true;
  /** No row of it has a target: it trades time for something else. */
  readonly aside?: true;
  /** So many processes side by side, one thread each. */
  readonly copies?: number;
  /** How many times as fast as the fastest peer it is meant to be, and at which sizes. Once, everywhere, where it says nothing. */
  readonly goal?: {readonly times: number; readonly sizes: readonly string[]};
  /** Brings it here where it is missing. Throws a sentence when it cannot be had. */
  install(): void;
  words(folder: string, kind: Kind, threads: number, size: string): readonly [string, ...string[]];
  env?(kind: Kind): Readonly<Record<string, string>>;
}

const TORCH = '2.15.0';
const JAX = '0.10.2';
const NUMPY = 'numpy==2.4.6';

/** Python files lie beside their sources and are not compiled. */
const script = (name: string): string =>
  fileURLToPath(new URL(`../../../../test/bench/engine/${name}`, import.meta.url));

const ALL = ['A', 'B', 'C', 'D'];
const SMALL = ['A', 'B'];

const ours = (suffix: string, about: Omit<Entrant, 'install' | 'words' | 'env'>): Entrant => ({
  ...about,
  ours: true,
  install: () => undefined,
  words: (folder, kind, threads, size) => [
    process.execPath,
    '--expose-gc',
    fileURLToPath(new URL('ours.js', import.meta.url)),
    folder,
    `${kind}${suffix}`,
    String(threads),
    size,
  ],
  // Ours generates in rollout workers, so here, too, it is given what they are given.
  env: (kind) => (kind === 'generate' ? workerEnvironment() : {}),
});

/** An interpreter that has PyTorch and JAX, taken as it is; else each gets an environment of its own. */
const GIVEN = process.env['R1_BENCH_PYTHON'];

/** Whether all compute on a graphics card, as set-up found one for ours. */
export const onCard = readRuntimeFacts().device.startsWith('gpu');

const torchPython = (): string => GIVEN ?? path.join(python(`torch-${TORCH}`, `torch==${TORCH}`, NUMPY), 'python');
const jaxPython = (): string => GIVEN ?? path.join(python(`jax-${JAX}`, `jax==${JAX}`, NUMPY), 'python');

/** One environment serves both ways to run PyTorch. */
const torch = (mode: 'eager' | 'compiled', kinds: readonly Kind[]): Entrant => ({
  name: `PyTorch ${mode}`,
  kinds,
  sizes: ALL,
  install: () => void torchPython(),
  words: (folder, kind, threads) => [torchPython(), script('torch_peer.py'), folder, kind, String(threads), mode],
  env: () => ({R1_BENCH_DEVICE: onCard ? 'cuda' : 'cpu'}),
});

const jax: Entrant = {
  name: 'JAX jit',
  kinds: ['train', 'generate', 'matmul'],
  sizes: ALL,
  install: () => void jaxPython(),
  words: (folder, kind, threads) => [jaxPython(), script('jax_peer.py'), folder, kind, String(threads)],
  // On a card JAX would round what it multiplies to TF32, and take all of the memory that the others need too.
  env: () =>
    onCard
      ? {JAX_PLATFORMS: 'cuda', JAX_DEFAULT_MATMUL_PRECISION: 'highest', XLA_PYTHON_CLIENT_PREALLOCATE: 'false'}
      : {JAX_PLATFORMS: 'cpu'},
};

export const ENTRANTS: readonly Entrant[] = [
  ours('', {name: 'r1 compiled', kinds: ['train', 'generate', 'matmul'], sizes: ALL}),
  ours('', {
    name: 'r1 compiled, two side by side',
    kinds: ['generate'],
    sizes: ['A', 'B', 'C'],
    copies: 2,
    goal: {times: 1.5, sizes: ['A', 'B', 'C']},
  }),
  ours('-bf16', {
    name: 'r1 compiled, bf16',
    kinds: ['train'],
    sizes: ['A', 'B', 'C'],
    goal: {times: 1.2, sizes: SMALL},
  }),
  ours('-recompute', {name: 'r1 compiled, layers recomputed', kinds: ['train'], sizes: ['C', 'D'], aside: true}),
  ours('-eager', {name: 'r1 eager', kinds: ['train', 'generate'], sizes: ['A', 'B', 'C'], eager: true}),
  torch('eager', ['train', 'generate', 'matmul']),
  torch('compiled', ['train', 'generate']),
  jax,
];
