/**
 * The bytes of source files as this process read them first. The code digest is taken of these bytes, and they are what
 * a stage's process is given, so that a file that is edited while a run goes on changes neither.
 */
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

export interface SourceFile {
  readonly bytes: Buffer;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface Sources {
  /** @throws what the system says of a file that cannot be read */
  read(url: string): SourceFile;
}

export function openSources(): Sources {
  const files = new Map<string, SourceFile>();
  return {
    read(url) {
      let file = files.get(url);
      if (file === undefined) {
        const bytes = readFileSync(fileURLToPath(url));
        file = {bytes, sha256: createHash('sha256').update(bytes).digest('hex')};
        files.set(url, file);
      }
      return file;
    },
  };
}
