/** What contenders in JavaScript share: they answer each line of their input with one line of JSON, as `contender.py` does. */
import {createInterface} from 'node:readline';

/** Ends the process where its input ends. @param step returns a number that shows what it computed */
export async function answer(version: string, step: () => number | Promise<number>): Promise<void> {
  const timed = async (): Promise<{value: number; ms: number}> => {
    const begun = performance.now();
    const value = await step();
    return {value, ms: performance.now() - begun};
  };
  for await (const line of createInterface({input: process.stdin})) {
    const [asked, count] = line.split(' ');
    if (asked === 'start') {
      const [first, second] = [await timed(), await timed()];
      const values = [first.value, second.value];
      process.stdout.write(`${JSON.stringify({version, values, firstMs: first.ms, laterMs: second.ms})}\n`);
    } else if (asked === 'go') {
      let ms = 0;
      for (let call = 0; call < Number(count); call++) ms += (await timed()).ms;
      process.stdout.write(`${JSON.stringify({ms: ms / Number(count)})}\n`);
    } else throw new Error(`nobody told me what “${line}” means`);
  }
  // Workers, and threads of a library, would keep it alive.
  process.exit(0);
}
