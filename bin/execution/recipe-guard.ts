/**
 * A recipe is code that somebody wrote, and r1 runs it in its own process. What that code does to the process, instead of to
 * its nodes, is reported as the recipe's mistake with its place, and never becomes the end or the exit code of r1.
 */
import {recipeAtHand, syntaxPlace} from '../../pipeline/wiring/load-recipe.js';
import {requireSettled} from '../../pipeline/modules/never-settles.js';
import {foreignPlaceOf, placeText} from '../../pipeline/modules/source/source-location.js';
import {heedFirst} from './crash.js';
import {EXIT} from '../exit-codes.js';
import type {Services} from '../cli-context.js';

let stopRun: (() => void) | undefined;

/** How a run that goes on is stopped in order after such a mistake, until the function that comes back is called. */
export function stopOnMistake(stop: () => void): () => void {
  stopRun = stop;
  return () => (stopRun = undefined);
}

/** Does `work`; whatever happens, the exit code is the one that r1 gives. */
export async function guardRecipe(services: Services, work: (services: Services) => Promise<void>): Promise<void> {
  let code: number | undefined;
  let isMistaken = false;
  const exit = (wanted: number): void => {
    if (!isMistaken) code = wanted;
    process.exitCode = code;
  };
  const onExit = (): void => {
    // It is called by whoever called process.exit, so the stack says who that was.
    const place = foreignPlaceOf(new Error('exit'));
    if (place !== undefined) services.complain(`${placeText(place)}: a recipe must not end the process (process.exit)`);
    else if (!process.exitCode) services.complain('r1 ended before it was done; please report it with what you typed');
    process.exitCode ||= place === undefined ? EXIT.internal : EXIT.usage;
  };
  const isMistake = (error: unknown): boolean => {
    // Node 20 itself ends where CommonJS that a module imports cannot be parsed: no promise is rejected.
    const unparsed = syntaxPlace(error);
    const where = unparsed === undefined ? placeOfMistake(error) : placeText(unparsed);
    if (where === undefined) {
      process.off('exit', onExit);
      return false;
    }
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const when =
      unparsed === undefined ? '\n(thrown in a timer of the recipe, or in a promise that nobody waits for)' : '';
    services.complain(`${where}: ${said}${when}`);
    exit(EXIT.usage);
    isMistaken = true;
    if (stopRun !== undefined) stopRun();
    else {
      process.off('exit', onExit);
      process.exit();
    }
    return true;
  };
  const heedCrashes = heedFirst(isMistake);
  const giveBack = chatterToStderr();
  process.on('exit', onExit);
  try {
    await requireSettled(work(Object.create(services, {exit: {value: exit}}) as Services), 'what r1 itself waits for');
    process.exitCode = code;
  } finally {
    process.off('exit', onExit);
    heedCrashes();
    giveBack();
  }
}

/** `undefined` for an error of ours. */
function placeOfMistake(error: unknown): string | undefined {
  const place = foreignPlaceOf(error);
  if (place !== undefined) return placeText(place);
  // Ours are all errors; Node makes one of any other value that a promise was rejected with.
  const isOurs = error instanceof Error && (error as NodeJS.ErrnoException).code !== 'ERR_UNHANDLED_REJECTION';
  return isOurs ? undefined : recipeAtHand();
}

/**
 * What a recipe prints is no result, and would end up among the lines that a program reads. It goes to stderr, in the order in
 * which it was printed. r1 itself keeps the way to stdout that it had before (`terminal/output.ts`).
 */
function chatterToStderr(): () => void {
  const {log, info, debug, dir} = console;
  const {error} = console;
  Object.assign(console, {log: error, info: error, debug: error, dir: (value: unknown) => error(value)});
  const stdout = Object.getOwnPropertyDescriptor(process, 'stdout')!;
  let redirected: NodeJS.WriteStream | undefined;
  // Only when somebody asks for it: to open the stream takes a moment, and r1 needs none to write to a file.
  const get = (): NodeJS.WriteStream => {
    if (redirected === undefined) {
      redirected = stdout.get!.call(process) as NodeJS.WriteStream;
      redirected.write = process.stderr.write.bind(process.stderr);
    }
    return redirected;
  };
  Object.defineProperty(process, 'stdout', {...stdout, get});
  return () => {
    Object.assign(console, {log, info, debug, dir});
    Object.defineProperty(process, 'stdout', stdout);
    // What stands in the stream's class counts again.
    if (redirected !== undefined) Reflect.deleteProperty(redirected, 'write');
  };
}
