/** What a run may give out to its nodes: what the executor has, unless the person says otherwise. */
import {UserError} from '../../artifacts/index.js';
import type {Executor} from '../executors/executor.js';
import {shown} from '../values/printable.js';
import type {Capacity} from './scheduler.js';

/**
 * `memory` in MiB.
 *
 * @param needsGpu whether any node asks for a GPU
 * @throws UserError when an amount is asked for that there cannot be
 */
export async function capacityOf(executor: Executor, asked: Partial<Capacity>, needsGpu: boolean): Promise<Capacity> {
  refuseOddCapacity(asked);
  const {cpu, gpu, memory} = await executor.capacity({gpu: needsGpu && asked.gpu === undefined});
  return {
    cpu: asked.cpu ?? cpu,
    gpu: asked.gpu ?? gpu,
    memory: asked.memory ?? memory,
    jobs: asked.jobs ?? Infinity,
  };
}

/** With less than one job no node would ever get its turn. @throws UserError */
export function refuseOddCapacity({cpu, gpu, memory, jobs}: Partial<Capacity>): void {
  for (const [name, amount] of Object.entries({cpu, gpu, memory})) refuseOddAmount(name, amount, 0);
  refuseOddAmount('jobs', jobs, 1);
}

/** @throws UserError when it is given and is no number from `least` */
export function refuseOddAmount(name: string, amount: unknown, least: number): void {
  if (amount === undefined || (typeof amount === 'number' && amount >= least)) return;
  throw new UserError('bad-argument', `“${name}” is ${shown(amount)}, not a number from ${least}`);
}
