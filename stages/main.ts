/** The entry of a stage's process: `node stages/main.js <job folder>`. Everything else is `pipeline/job/stage-process.ts`. */
import {runJob} from '../pipeline/job/stage-process.js';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Internal error: started without a job folder');
await runJob(folder);
