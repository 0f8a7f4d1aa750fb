/**
 * The whole state of an engine in one safetensors file: policy, reference model, moments and the update count. What is
 * restored computes on bit for bit as if nothing had happened.
 */
import {StageFailure} from '../../pipeline/stage.js';
import type {ModelConfig} from '../model/config.js';
import {handOver, parameterShapes} from '../model/parameters.js';
import {withSafetensors, writeSafetensorsInParts} from '../model/safetensors.js';
import type {Slot} from './engine.js';

/** The part of an engine that has state. */
export interface Stateful {
  readonly config: ModelConfig;
  readonly slots: readonly Slot[];
  /** By Hugging Face name, some tensors at a time. */
  readInParts(slot: Slot): Iterable<ReadonlyMap<string, Float32Array>>;
  write(slot: Slot, weights: ReadonlyMap<string, Float32Array>): void;
  updates: number;
}

/** Writes the state: a tensor `slot/name` for each parameter of each slot, and the update count as metadata. */
export async function saveState(engine: Stateful, file: string): Promise<void> {
  const shapes = [...parameterShapes(engine.config)];
  const all = engine.slots.flatMap((slot) => shapes.map(([name, shape]) => [`${slot}/${name}`, shape] as const));
  /** Some tensors at a time: the whole state is four times the model, and lies in the session besides. */
  function* parts(): Generator<[string, Float32Array][]> {
    for (const slot of engine.slots) {
      for (const part of engine.readInParts(slot)) {
        yield [...part].map(([name, values]) => [`${slot}/${name}`, values]);
      }
    }
  }
  await writeSafetensorsInParts(file, new Map(all), parts(), {updates: String(engine.updates)});
}

/**
 * Reads what `saveState` wrote into an engine of the same model with the same slots, one set of numbers after the other. What the
 * file says of itself is checked before any of it is used.
 *
 * @throws {StageFailure} when the file is not the state of such an engine
 */
export const restoreState = (engine: Stateful, file: string): Promise<void> =>
  withSafetensors(file, async ({shapes: found, metadata, read}) => {
    const updates = Number(metadata['updates']);
    if (!Number.isSafeInteger(updates) || updates < 0)
      throw new StageFailure(`${file} is not the state of a training run`);
    const shapes = parameterShapes(engine.config);
    for (const slot of engine.slots) {
      for (const [name, shape] of shapes) {
        if (found.get(`${slot}/${name}`)?.join() !== shape.join())
          throw new StageFailure(`${file} does not hold ${slot}/${name} of this model`);
      }
    }
    if (found.size !== engine.slots.length * shapes.size)
      throw new StageFailure(`${file} holds more than ${engine.slots.join(', ')}`);
    for (const slot of engine.slots) {
      const weights = new Map<string, Float32Array>();
      for (const name of shapes.keys()) weights.set(name, await read(`${slot}/${name}`));
      engine.write(slot, handOver(weights));
    }
    engine.updates = updates;
  });
