/** The Python helper's checkpoints are those of `pipeline/job/checkpoints.ts`, whatever happens while one is written. */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {copyCheckpoint, newestCheckpoint, openCheckpoints} from '../../../../pipeline/job/checkpoints.js';
import {jobFiles} from '../../../../pipeline/job/folder.js';
import {temporaryFolder} from '../../../rig/temporary.js';
import {inJob, jobFolder, latestOf, saidIn, skip, startPython} from './python-job.js';

/** Lines that keep a checkpoint of one file. */
const KEEP = `
def keep(step, text=None):
    def write(folder):
        with open(os.path.join(folder, 'state.txt'), 'w') as file: file.write(text or 'at %d' % step)
    job.checkpoint(step, write)
`;

const textIn = (files: string): string => readFileSync(join(files, 'state.txt'), 'utf8');

/** What r1 would go on from, and what `latest` leads to, is this. */
function assertNewest(folder: string, step: number, text = `at ${step}`): void {
  const {checkpoints} = jobFiles(folder);
  const found = newestCheckpoint(checkpoints);
  assert.equal(found?.step, step);
  assert.equal(textIn(join(found.folder, 'files')), text);
  assert.equal(readlinkSync(latestOf(folder)), `step-${step}/files`);
  assert.equal(textIn(latestOf(folder)), text);
}

test('the newest two are kept, latest leads to the newest, and one may be written again', {skip}, async (t) => {
  const folder = jobFolder(t);
  const again = `${KEEP}
print(job.latest, job.latest_step)
for step in (5, 10, 15): keep(step)
keep(15, 'again')
print(os.path.relpath(job.latest, job.folder), job.latest_step)`;
  const {code, out, err} = await inJob(t, folder, again);
  assert.equal(code, 0, err);
  assert.equal(out, 'None None\ncheckpoints/step-15/files 15\n');
  assert.deepEqual(readdirSync(jobFiles(folder).checkpoints).sort(), ['latest', 'step-10', 'step-15']);
  assertNewest(folder, 15, 'again');
  const costs = (saidIn(folder) as {type: string; step: number; ms: number}[]).map(({type, step, ms}) => {
    assert.ok(Number.isInteger(ms) && ms >= 0);
    return [type, step];
  });
  assert.deepEqual(
    costs,
    [5, 10, 15, 15].map((step) => ['checkpoint', step]),
  );
});

test(
  'a tree of files is whole for r1, which can copy it and go on from it, and Python from what r1 wrote',
  {skip},
  async (t) => {
    const folder = jobFolder(t);
    const {code, err} = await inJob(
      t,
      folder,
      `
def write(folder):
    os.makedirs(os.path.join(folder, 'a', 'b', 'empty'))
    for path in ('state.txt', 'a/ü', 'a/b/c', 'a.txt'):
        with open(os.path.join(folder, path), 'wb') as file: file.write(path.encode() * 400000)
job.checkpoint(7, write)`,
    );
    assert.equal(code, 0, err);
    const found = newestCheckpoint(jobFiles(folder).checkpoints);
    assert.equal(found?.step, 7);
    const other = jobFolder(t);
    const {checkpoints} = jobFiles(other);
    mkdirSync(checkpoints);
    assert.ok(copyCheckpoint(found, checkpoints));
    const asked = await inJob(t, other, "print(job.latest_step, os.path.getsize(job.latest + '/a/ü'))");
    assert.equal(asked.out, '7 1600000\n', asked.err);

    const ours = openCheckpoints({
      folder: () => checkpoints,
      every: 1,
      stopping: () => false,
      onSaved: () => undefined,
    });
    await ours.save(8, (files) => writeFileSync(join(files, 'state.txt'), 'at 8'));
    assert.equal((await inJob(t, other, `${KEEP}print(job.latest_step)\nkeep(9)`)).out, '8\n');
    assertNewest(other, 9);
  },
);

for (const [damage, harm] of [
  ['a file cut short', (folder: string) => truncateSync(join(folder, 'files', 'state.txt'), 2)],
  ['a flipped byte', (folder: string) => writeFileSync(join(folder, 'files', 'state.txt'), 'ay 10')],
  ['a missing file', (folder: string) => rmSync(join(folder, 'files', 'state.txt'))],
  ['a torn manifest', (folder: string) => truncateSync(join(folder, 'manifest.json'), 20)],
  ['a manifest of something else', (folder: string) => writeFileSync(join(folder, 'manifest.json'), '[1]')],
  ['no manifest', (folder: string) => rmSync(join(folder, 'manifest.json'))],
] as const) {
  test(`one with ${damage} is passed over, by r1 and by the helper`, {skip}, async (t) => {
    const folder = jobFolder(t);
    const {checkpoints} = jobFiles(folder);
    await inJob(t, folder, `${KEEP}keep(5)\nkeep(10)`);
    harm(join(checkpoints, 'step-10'));
    assert.equal(newestCheckpoint(checkpoints)?.step, 5);
    const {out, err} = await inJob(t, folder, 'print(job.latest_step)');
    assert.equal(out, '5\n');
    assert.match(err, /the checkpoint of step 10 is damaged and passed over/);
  });
}

/**
 * Writes a checkpoint again and again, each time in a process of its own and in a folder of that number, and ends it by SIGKILL
 * at the first, the second … of what it is about to do on the disk, until it comes through. Prints how many there are.
 */
const killedEverywhere = (before: string): string => `${KEEP}
import shutil, signal
left = None
def count(event, _):
    global left
    if left is None or event not in OPERATIONS: return
    left -= 1
    if left < 0: os.kill(os.getpid(), signal.SIGKILL)
OPERATIONS = ('open', 'os.rename', 'os.mkdir', 'os.remove', 'os.rmdir', 'os.symlink', 'os.listdir', 'shutil.rmtree')
sys.addaudithook(count)
os.mkdir(job.checkpoints)
${before}
def end_of(moment):
    global left
    child = os.fork()
    if child: return os.waitpid(child, 0)[1]
    try:
        place = os.path.join(job.folder, str(moment))
        shutil.copytree(job.checkpoints, place, symlinks=True)
        job.checkpoints = place
        left = moment
        keep(10)
        left = None
        os._exit(0)
    finally: os._exit(1)
moment = 0
while True:
    end = end_of(moment)
    moment += 1
    if end == 0: break
    assert end == signal.SIGKILL
print(moment)`;

for (const [what, before, safe] of [
  ['a first one', '', [undefined, 10]],
  ['a third one', 'keep(3); keep(5)', [5, 10]],
  // One of the same step is away for a moment, and the one before it is there.
  ['one over another of its step', 'keep(5); keep(10)', [5, 10]],
] as const) {
  test(`killed at any moment of writing ${what}, a whole one is there and the next is written`, {skip}, async (t) => {
    const folder = jobFolder(t);
    const {code, out, err} = await inJob(t, folder, killedEverywhere(before));
    assert.equal(code, 0, err);
    const moments = Number(out);
    assert.ok(moments > 10, `${moments} moments were tried`);
    const found = Array.from({length: moments}, (_, moment) => newestCheckpoint(join(folder, `${moment}`))?.step);
    assert.deepEqual(new Set(found), new Set(safe));
    assert.equal(found.at(-1), 10);
    // What is left of it is in nobody's way.
    const next = `${KEEP}
for moment, found in enumerate(${JSON.stringify(found.map((step) => step ?? 0))}):
    job = r1job.Job(listen=False)
    job.checkpoints = os.path.join(job.folder, str(moment))
    assert (job.latest_step or 0) == found
    keep(11)
    assert os.readlink(os.path.join(job.checkpoints, 'latest')) == 'step-11/files'
    strangers = [name for name in os.listdir(job.checkpoints) if name[:5] not in ('step-', 'lates')]
    assert strangers == [], strangers`;
    const after = await inJob(t, folder, next);
    assert.equal(after.code, 0, after.err);
    for (let moment = 0; moment < moments; moment++)
      assert.equal(newestCheckpoint(join(folder, `${moment}`))?.step, 11);
  });
}

test('one whose writing fails, or of more than files, leaves nothing, and the older one stays', {skip}, async (t) => {
  const folder = jobFolder(t);
  const {code, out, err} = await inJob(
    t,
    folder,
    `${KEEP}
keep(5)
def fail(folder):
    open(folder + '/half', 'w').close()
    raise OSError('no space')
def link(folder): os.symlink('/etc/passwd', folder + '/link')
def pipe(folder): os.mkfifo(folder + '/pipe')
for write in (fail, link, pipe):
    try: job.checkpoint(10, write)
    except (OSError, r1job.JobError) as error: print(error)`,
  );
  assert.equal(code, 0, err);
  assert.deepEqual(out.trimEnd().split('\n'), [
    'no space',
    'link is neither a file nor a folder, and a checkpoint has nothing else',
    'pipe is neither a file nor a folder, and a checkpoint has nothing else',
  ]);
  assert.deepEqual(readdirSync(jobFiles(folder).checkpoints).sort(), ['latest', 'step-5']);
  assertNewest(folder, 5);
});

test('a folder of the trainer’s own is copied, or moved', {skip}, async (t) => {
  const folder = jobFolder(t);
  const own = temporaryFolder(t, {'saved/state.txt': 'at 4', 'saved/deep/file': 'x'});
  const source = join(own, 'saved');
  const inode = lstatSync(join(source, 'state.txt')).ino;
  const end = await inJob(
    t,
    folder,
    `
source = ${JSON.stringify(source)}
job.checkpoint_folder(4, source)
assert os.path.exists(source + '/deep/file')
job.checkpoint_folder(5, source, move=True)
assert not os.path.exists(source)
try: job.checkpoint_folder(6, source)
except r1job.JobError as error: print(error)`,
  );
  assert.equal(end.code, 0, end.err);
  assert.equal(end.out, `there is no folder ${source} to make a checkpoint of\n`);
  assertNewest(folder, 5, 'at 4');
  assert.equal(lstatSync(join(latestOf(folder), 'state.txt')).ino, inode);
});

test('without r1, checkpoints go to the folder that is named, or nowhere', {skip}, async (t) => {
  const cwd = temporaryFolder(t);
  const lines = (job: string) => `
import os, r1job
job = ${job}
job.progress(1, 2)
job.metric('loss', 1, 0)
job.checkpoint(1, lambda folder: open(folder + '/state', 'w').close())
job.complete()
print(job.latest_step, job.stopping)`;
  const off = await startPython(t, ['-c', lines('r1job.Job()')], {cwd}).ended;
  assert.equal(off.out, 'None False\n', off.err);
  assert.deepEqual(readdirSync(cwd), []);
  assert.equal((await startPython(t, ['-c', lines("r1job.Job('kept')")], {cwd}).ended).out, '1 False\n');
  assert.equal(realpathSync(join(cwd, 'kept', 'latest')), realpathSync(join(cwd, 'kept', 'step-1', 'files')));
  assert.ok(existsSync(join(cwd, 'kept', 'step-1', 'manifest.json')));
});
