/**
 * Loaded (`node --import`) before a thread, or a Node process, that a stage starts: module hooks that give the files of the
 * stage's snapshot. The job folder is in this module's own address.
 */
import {installHooks, serve} from '../modules/hooks.js';
import {readJob, snapshotOf} from './folder.js';
import {serveFiles} from '../modules/snapshot/files.js';

const folder = new URL(import.meta.url).searchParams.get('job');
if (folder === null) throw new Error('Internal error: loaded without a job folder');
const job = readJob(folder);
if (!job.ok) throw new Error(job.error);
const place = snapshotOf(folder, job.value);
if (place !== undefined) {
  serve(place);
  serveFiles(place);
  installHooks();
}
