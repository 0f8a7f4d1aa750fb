/** What the machine has to give, unless the person says otherwise. */
import {availableParallelism, totalmem} from 'node:os';
import type {Capacity} from './scheduler.js';

/** `memory` in MiB. GPUs are not looked for here: whoever knows the machine's devices passes their number. */
export function machineCapacity(asked: Partial<Capacity> = {}): Capacity {
  return {
    cpu: asked.cpu ?? availableParallelism(),
    gpu: asked.gpu ?? 0,
    memory: asked.memory ?? Math.floor(totalmem() / 2 ** 20),
    jobs: asked.jobs ?? Infinity,
  };
}
