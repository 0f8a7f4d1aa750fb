/** Pythons for tests: wheels that are written here, and an interpreter that counts how often it is started. */
import {execFileSync} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {findPython} from '../../stages/python/interpreter.js';

const found = await findPython([3, 10]);

/** Why tests that start a Python are skipped, or `false`. */
export const noPython = 'tooOld' in found && 'there is no Python 3.10 or newer';

const WHEEL = `
import hashlib, sys, zipfile
folder, name, version = sys.argv[1:]
info = f'{name}-{version}.dist-info'
file = f'{folder}/{name}-{version}-py3-none-any.whl'
def add(wheel, path, text): wheel.writestr(zipfile.ZipInfo(path), text)
with zipfile.ZipFile(file, 'w') as wheel:
    add(wheel, f'{name}/__init__.py', f'version = "{version}"')
    add(wheel, f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n')
    add(wheel, f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    add(wheel, f'{info}/RECORD', f'{name}/__init__.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n')
print(hashlib.sha256(open(file, 'rb').read()).hexdigest())`;

/** Writes the wheel of a package of one module. Returns the line of a lock file that pins it. */
export function writeWheel(folder: string, name: string, version: string): string {
  mkdirSync(folder, {recursive: true});
  const hash = execFileSync('python3', ['-c', WHEEL, folder, name, version], {encoding: 'utf8'}).trim();
  return `${name}==${version} --hash=sha256:${hash}\n`;
}

/** Settings with which pip and uv know of these wheels alone. */
export const onlyWheels = (wheels: string): Readonly<Record<string, string>> => ({
  PIP_NO_INDEX: '1',
  PIP_FIND_LINKS: wheels,
  UV_NO_INDEX: '1',
  UV_FIND_LINKS: wheels,
  UV_OFFLINE: '1',
});

/** An interpreter that counts its starts, with a folder of modules of its own. */
export class CountingPython {
  readonly command: string;
  readonly #starts: string;
  readonly #modules: string;

  constructor(folder: string) {
    this.command = path.join(folder, 'bin', 'counting-python');
    this.#starts = path.join(folder, 'starts');
    this.#modules = path.join(folder, 'modules');
    mkdirSync(path.dirname(this.command), {recursive: true});
    mkdirSync(this.#modules);
    writeFileSync(
      this.command,
      `#!/bin/sh\necho >> '${this.#starts}'\nPYTHONPATH='${this.#modules}' exec python3 "$@"\n`,
    );
    chmodSync(this.command, 0o755);
    rest(this.command);
    rest(this.#modules);
  }

  get starts(): number {
    return existsSync(this.#starts) ? readFileSync(this.#starts, 'utf8').length : 0;
  }

  install(name: string, version: string): void {
    const info = path.join(this.#modules, `${name}-${version}.dist-info`);
    mkdirSync(info);
    writeFileSync(path.join(info, 'METADATA'), `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`);
    rest(this.#modules);
  }

  upgrade(name: string, from: string, to: string): void {
    renameSync(
      path.join(this.#modules, `${name}-${from}.dist-info`),
      path.join(this.#modules, `${name}-${to}.dist-info`),
    );
    const file = path.join(this.#modules, `${name}-${to}.dist-info`, 'METADATA');
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
    rest(this.#modules);
  }
}

let past = Date.now() / 1000 - 1000;

/** As if it had been changed a while ago, each time a little later: what is newer than the clock's tick is not remembered. */
function rest(file: string): void {
  past += 1;
  utimesSync(file, past, past);
}
