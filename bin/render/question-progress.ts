/** How far a command is that asks one question after the other. */
import {durationText} from './quantity.js';

/** A line for each report: how many are through, and how long the rest will take at the pace so far. */
export function questionProgress(
  clock: () => number = () => performance.now(),
  what = 'questions',
): (through: number, total: number) => string {
  const began = clock();
  return (through, total) => {
    const left =
      through > 0 && through < total ? `  ${durationText(((clock() - began) / through) * (total - through))} left` : '';
    return `${through} of ${total} ${what}${left}`;
  };
}
