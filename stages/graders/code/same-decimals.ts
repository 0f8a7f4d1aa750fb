/** Printed numbers by their values, as LiveCodeBench compares them: line by line, and on each line one by one. */

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,6}))?$/i;

/** A number in one form: sign, digits without zeros at the ends, and the place of its first digit. `undefined`: it is none. */
function formOf(text: string): string | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  const all = whole + fraction;
  if (all === '') return undefined;
  const from = all.search(/[1-9]/);
  if (from === -1) return '0';
  const digits = all.slice(from).replace(/0+$/, '');
  return `${sign === '-' ? '-' : ''}${digits}e${whole.length - from + Number(exponent)}`;
}

/** Whether two outputs have the same lines, spaces around them aside, where lines of numbers may be written in different ways. */
export function sameDecimals(given: string, wanted: string): boolean {
  const [its, ours] = [given, wanted].map((text) =>
    text
      .trim()
      .split(/\r?\n/)
      .map((line) => line.trim()),
  ) as [string[], string[]];
  const isSame = (one: string, other: string): boolean => {
    if (one === other) return true;
    const [forms, others] = [one, other].map((line) => line.split(/\s+/).map(formOf)) as [
      (string | undefined)[],
      (string | undefined)[],
    ];
    return forms.length === others.length && forms.every((form, place) => form !== undefined && form === others[place]);
  };
  return its.length === ours.length && its.every((line, place) => isSame(line, ours[place]!));
}
