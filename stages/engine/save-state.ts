/**
 * The whole state of an engine in one safetensors file: policy, reference model, moments and the update count. What is
 * restored computes on bit for bit as if nothing had happened.
 */
import {StageFailure} from '../../pipeline/stage.js';
import type {ModelConfig} from '../model/config.js';
import {parameterShapes} from '../model/parameters.js';
import type {Tensor} from '../model/safetensors.js';
import {readSafetensors, writeSafetensors} from '../model/safetensors.js';
import type {Slot} from './engine.js';

/** The part of an engine that has state. */
export interface Stateful {
  readonly config: ModelConfig;
  readonly slots: readonly Slot[];
  read(slot: Slot): Map<string, Float32Array>;
  write(slot: Slot, weights: ReadonlyMap<string, Float32Array>): void;
  updates: number;
}

/** Writes the state: a tensor `slot/name` for each parameter of each slot, and the update count as metadata. */
export async function saveState(engine: Stateful, file: string): Promise<void> {
  const shapes = parameterShapes(engine.config);
  const tensors = new Map<string, Tensor>();
  for (const slot of engine.slots) {
    for (const [name, values] of engine.read(slot)) tensors.set(`${slot}/${name}`, {shape: shapes.get(name)!, values});
  }
  await writeSafetensors(file, tensors, {updates: String(engine.updates)});
}

/**
 * Reads what `saveState` wrote into an engine of the same model with the same slots. All of it is checked before any of
 * it is used.
 *
 * @throws {StageFailure} when the file is not the state of such an engine
 */
export async function restoreState(engine: Stateful, file: string): Promise<void> {
  const {tensors, metadata} = await readSafetensors(file);
  const updates = Number(metadata['updates']);
  if (!Number.isSafeInteger(updates) || updates < 0)
    throw new StageFailure(`${file} is not the state of a training run`);
  const shapes = parameterShapes(engine.config);
  const slots = engine.slots.map((slot) => {
    const weights = new Map<string, Float32Array>();
    for (const [name, shape] of shapes) {
      const tensor = tensors.get(`${slot}/${name}`);
      if (tensor?.shape.join() !== shape.join())
        throw new StageFailure(`${file} does not hold ${slot}/${name} of this model`);
      weights.set(name, tensor.values);
    }
    return {slot, weights};
  });
  if (tensors.size !== slots.length * shapes.size)
    throw new StageFailure(`${file} holds more than ${engine.slots.join(', ')}`);
  for (const {slot, weights} of slots) engine.write(slot, weights);
  engine.updates = updates;
}
