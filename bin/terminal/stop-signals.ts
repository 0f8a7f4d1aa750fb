/** Ctrl-C, a polite kill, and a terminal that was closed, as one thing: the wish that r1 stops. */
import {isHangupIgnored} from './foreground.js';

/**
 * Calls `press` for each of them, until the function that comes back is called. A terminal that closes sends its signal once from the
 * system and once from the shell, so it asks and never forces; started with `nohup`, r1 does not hear it.
 */
export function onStopSignal(press: () => void): () => void {
  let wasPressed = false;
  const pressed = (): void => {
    wasPressed = true;
    press();
  };
  const ignoresHangup = isHangupIgnored();
  const hungUp = (): void => {
    if (!wasPressed && !ignoresHangup) pressed();
  };
  const handlers = [
    ['SIGINT', pressed],
    ['SIGTERM', pressed],
    ['SIGHUP', hungUp],
  ] as const;
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
