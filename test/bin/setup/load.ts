/**
 * Loads a module of set-up from the sources: set-up is plain JavaScript that is not compiled into dist/, so its types
 * are declared here, as far as tests use them.
 */
export interface CacheModule {
  ensureEntry: (step: string, name: string, fill: (folder: string) => Promise<void>) => Promise<string>;
  place: (entry: string, target: string) => Promise<void>;
}

export interface LockModule {
  withLock: <T>(file: string, onWait: (pid: number) => void, work: () => Promise<T>) => Promise<T>;
}

export interface MachineModule {
  chooseDevice: (asked: string | undefined, gpus: readonly string[]) => 'cpu' | 'gpu';
  listGpus: () => Promise<string[]>;
  instructions: () => string;
}

export interface TensorflowModule {
  nvidiaParts: (metadata: string) => {name: string; version: string}[];
}

export interface UnzipModule {
  unzipWheel: (file: string, folder: string, choose: (name: string) => string | undefined) => Promise<string[]>;
}

interface Modules {
  cache: CacheModule;
  lock: LockModule;
  machine: MachineModule;
  tensorflow: TensorflowModule;
  unzip: UnzipModule;
}

export const setupFolder = new URL('../../../../bin/setup/', import.meta.url);

export async function load<Name extends keyof Modules>(name: Name): Promise<Modules[Name]> {
  return (await import(new URL(`${name}.js`, setupFolder).href)) as Modules[Name];
}
