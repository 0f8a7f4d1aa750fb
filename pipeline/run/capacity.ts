/** What a run may give out to its nodes: what the executor has, unless the person says otherwise. */
import type {Executor} from '../executors/executor.js';
import type {Capacity} from './scheduler.js';

/** `memory` in MiB. */
export async function capacityOf(executor: Executor, asked: Partial<Capacity>): Promise<Capacity> {
  const {cpu, gpu, memory} = await executor.capacity();
  return {
    cpu: asked.cpu ?? cpu,
    gpu: asked.gpu ?? gpu,
    memory: asked.memory ?? memory,
    jobs: asked.jobs ?? Infinity,
  };
}
