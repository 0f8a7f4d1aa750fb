/** Where an axis has its ticks, and what is written at them. */

/** About so many ticks; there are up to twice as many, or half. */
const WANTED = 5;

/** Round numbers over a range, a multiple of 1, 2 or 5 times a power of ten apart; the first at or below `from`, the last at or above `to`. */
export function axisTicks(from: number, to: number): readonly number[] {
  const span = to - from;
  if (!(span > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(span / WANTED));
  const apart = [1, 2, 5, 10].map((times) => times * power).find((distance) => span / distance <= WANTED)!;
  const first = Math.floor(from / apart + SLACK);
  const last = Math.ceil(to / apart - SLACK);
  // Multiplied, not added up, so that 0.3 is no 0.30000000000000004; and divided where the distance is a fraction, for the same reason.
  const inverse = Math.round(1 / apart);
  return Array.from({length: last - first + 1}, (_, index) =>
    apart < 1 ? (first + index) / inverse : (first + index) * apart,
  );
}

/** An end that is a multiple but for rounding is one. */
const SLACK = 1e-9;

/** As many decimals as ticks that far apart differ in; thousands are grouped. */
export function tickLabel(tick: number, apart: number): string {
  const decimals = apart > 0 ? Math.min(6, Math.max(0, Math.ceil(-Math.log10(apart) - SLACK))) : 3;
  return decimals === 0 ? tick.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',') : tick.toFixed(decimals);
}
