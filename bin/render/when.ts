/** Times as a person reads them. */

const two = (value: number): string => String(value).padStart(2, '0');

/** `2026-11-24 15:56:03`, by the clock on the wall. */
export function whenText(at: number): string {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
