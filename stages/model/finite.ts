/** Whether weights are numbers: one NaN among millions makes everything that is computed with them NaN. */
import {StageFailure} from '../../pipeline/stage.js';

/** @throws {StageFailure} naming the tensor and the place in it where a value is NaN or infinite */
export function requireFinite(
  {shape, values}: {readonly shape: readonly number[]; readonly values: Float32Array},
  name: string,
  file: string,
): void {
  let [count, first] = [0, -1];
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    // An exponent that is all ones stands for NaN or infinite.
    if ((bits[i]! & 0x7f80_0000) !== 0x7f80_0000) continue;
    if (count++ === 0) first = i;
  }
  if (count === 0) return;
  const place: number[] = [];
  for (let rest = first, i = shape.length - 1; i >= 0; i--) {
    place.unshift(rest % shape[i]!);
    rest = Math.floor(rest / shape[i]!);
  }
  const what = Number.isNaN(values[first]) ? 'NaN' : 'infinite';
  const others = count === 1 ? '' : `, and ${count - 1} more are no finite numbers`;
  throw new StageFailure(
    `${file}: tensor “${name}” is damaged: the value at [${place.join(', ')}] is ${what}${others}`,
  );
}
