#!/usr/bin/env node
/** `r1` from its modules, one by one; `start.cts` is the same from one file. */
import {main} from './main.js';

await main(process.argv.slice(2));
// As there: a timer that a recipe left behind is nothing to wait for, and all that was said has left by now.
process.exit();
