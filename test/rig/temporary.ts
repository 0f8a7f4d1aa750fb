/** A folder that is gone when the test is over. */
import {mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import type {TestContext} from 'node:test';

/** @param files written below it, by relative path */
export function temporaryFolder(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'r1-test-'));
  // Processes that a failing test leaves behind may still be writing.
  t.after(() => rmSync(folder, {recursive: true, force: true, maxRetries: 5}));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), {recursive: true});
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Paths below a folder that this process has open, as /proc tells. */
export const openFiles = (folder: string): readonly string[] =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // the one that the list itself was read through
      }
    })
    .filter((path) => path.startsWith(folder));
