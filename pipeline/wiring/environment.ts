/**
 * The environment of a stage's process. A result must not hang on what somebody happens to have set in a shell, so a stage
 * is handed three kinds of variables and no other: those that say where and on what it runs, which count in no
 * fingerprint; those that its definition or its node declares with a value (`env`), which count; and those that it asks
 * for by name (`passEnv`), credentials above all, whose values are neither hashed nor written anywhere.
 */
import type {AnyStage} from '../stage.js';
import type {StageNode} from './nodes.js';

/** Name → value. */
export type Environment = Readonly<Record<string, string>>;

/** What a definition or a node says of the environment. */
export interface EnvironmentOptions {
  readonly env?: Environment;
  readonly passEnv?: readonly string[];
}

/**
 * Variables that every stage is handed as far as they are set: the person, the places, the language, the devices, the way
 * to the network, and r1's own. None of them says what to compute. The two of TensorFlow's are those that our stages leave
 * to the person: how much it logs, and whether it takes a GPU's memory at once or as it needs it.
 */
const PLATFORM = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'NODE_EXTRA_CA_CERTS',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'TF_CPP_MIN_LOG_LEVEL',
  'TF_FORCE_GPU_ALLOW_GROWTH',
]);
const PLATFORM_KINDS = /^(?:LC_|CUDA_|NVIDIA_|SSL_CERT_|SLURM_|R1_)|_(?:PROXY|proxy)$/;

/** What a program that is a stage is told of its job (`job/program-variables.ts`). */
const OF_THE_JOB = [
  'R1_JOB',
  'R1_EVENTS',
  'R1_CHECKPOINTS',
  'R1_CHECKPOINT_EVERY',
  'R1_SEED',
  'R1_THREADS',
  'R1_GPUS',
] as const;

/** These look as if they were of the platform: the first changes what a GPU computes, the others are another job's. */
const NOT_PLATFORM: ReadonlySet<string> = new Set(['NVIDIA_TF32_OVERRIDE', ...OF_THE_JOB]);

/** Set for each job; nobody else says what they are. */
const OWN: ReadonlySet<string> = new Set(['R1_ATTEMPT', ...OF_THE_JOB]);

/** Whether a job has a value of its own for the variable, whatever it is where r1 is run, as it is within a job. */
export const isSetForEachJob = (name: string): boolean => OWN.has(name);

/** What the shell that starts a job keeps for itself: it would refuse these, or hand on another value. */
const OF_THE_SHELL =
  /^(?:_|PWD|OLDPWD|SHLVL|IFS|OPTIND|OPTARG|OPTERR|LINENO|RANDOM|SRANDOM|SECONDS|EPOCH(?:SECONDS|REALTIME)|[EP]?UID|PPID|GROUPS|DIRSTACK|FUNCNAME|HISTCMD|SHELLOPTS|BASH(?:_.*|OPTS|PID)?)$/;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The system takes no longer word, `NAME=value` with its end, from whoever starts a program (Linux: MAX_ARG_STRLEN). */
const LONGEST = 131_072;

/** Whether every stage is handed the variable. */
export const isPlatform = (name: string): boolean =>
  NAME.test(name) && !NOT_PLATFORM.has(name) && (PLATFORM.has(name) || PLATFORM_KINDS.test(name));

/** Whether the variable belongs to the shell that starts a job, so that nobody could hand it on. */
export const isOfTheShell = (name: string): boolean => OF_THE_SHELL.test(name);

/** What every stage is handed of the environment of r1. */
export function platformEnvironment(processEnv: NodeJS.ProcessEnv): Environment {
  const handed: Record<string, string> = {};
  for (const name of Object.keys(processEnv)) {
    const value = isPlatform(name) ? processEnv[name] : undefined;
    if (value !== undefined) handed[name] = value;
  }
  return handed;
}

/** The declared variables of a node: its stage's, with the node's own on top. They are part of its fingerprint. */
export function declaredEnv({stage, options}: Pick<StageNode, 'stage' | 'options'>): Environment | undefined {
  if (stage.env === undefined && options.env === undefined) return undefined;
  const declared = Object.entries({...stage.env, ...options.env});
  return declared.length === 0 ? undefined : Object.fromEntries(declared.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names of the variables that a node asks for. */
export const askedFor = ({stage, options}: Pick<StageNode, 'stage' | 'options'>): readonly string[] =>
  stage.passEnv === undefined && options.passEnv === undefined
    ? NONE
    : [...new Set([...(stage.passEnv ?? NONE), ...(options.passEnv ?? NONE)])];

const NONE: readonly string[] = [];

/** Why a variable that a node asks for cannot be handed on, or `undefined`. */
function trouble(name: string, processEnv: NodeJS.ProcessEnv): string | undefined {
  const value = processEnv[name];
  if (value === undefined) return 'is not set';
  // What is no UTF-8 has become replacement characters when Node read it, and would be handed on as these.
  return value.includes('\uFFFD') ? 'is no UTF-8 text' : undefined;
}

/** A sentence for each variable that the node asks for and cannot be handed, empty when there is none. */
export function missingVariables(node: StageNode, processEnv: NodeJS.ProcessEnv): string[] {
  return askedFor(node).flatMap((name) => {
    const why = trouble(name, processEnv);
    return why === undefined
      ? []
      : [`node “${node.id}” asks for the environment variable ${name} (passEnv), which ${why}`];
  });
}

/**
 * What a node's process is handed beside the platform's variables.
 * @throws Error with a sentence when one that it asks for is missing
 */
export function nodeVariables(node: StageNode, processEnv: NodeJS.ProcessEnv): Environment | undefined {
  const asked = askedFor(node);
  const declared = declaredEnv(node);
  if (asked.length === 0) return declared;
  const [missing] = missingVariables(node, processEnv);
  if (missing !== undefined) throw new Error(missing);
  return {...declared, ...Object.fromEntries(asked.map((name) => [name, processEnv[name]!]))};
}

/** All that a node's process is handed but for what is set for each job. */
export const environmentOf = (node: StageNode, processEnv: NodeJS.ProcessEnv): Environment => ({
  ...platformEnvironment(processEnv),
  ...nodeVariables(node, processEnv),
});

/** The same without what may be secret: words of a command line are written down, and every list of processes shows them. */
export const countedEnvironment = (node: StageNode, processEnv: NodeJS.ProcessEnv): Environment => {
  const secret = new Set(askedFor(node));
  const environment = Object.entries({...platformEnvironment(processEnv), ...declaredEnv(node)});
  return Object.fromEntries(environment.filter(([name]) => !secret.has(name)));
};

/** Calls `work`, which sees this environment instead of that of r1. */
export function withEnvironment<T>(environment: Environment, work: () => T): T {
  const whole = process.env;
  process.env = {...environment};
  try {
    return work();
  } finally {
    process.env = whole;
  }
}

/** What is wrong with the `env` and `passEnv` of a node, or of its stage's definition. */
export function environmentMistakes(stage: AnyStage, options: EnvironmentOptions): string[] {
  if ([stage.env, stage.passEnv, options.env, options.passEnv].every((each) => each === undefined)) return [];
  const mistakes: string[] = [];
  const named = (name: string, where: string): boolean => {
    const why = nameMistake(name);
    if (why !== undefined) mistakes.push(`${where}: ${why}`);
    return why === undefined;
  };
  for (const [env, where] of [
    [stage.env, `env of stage “${stage.name}”`],
    [options.env, 'env'],
  ] as const) {
    if (env === undefined) continue;
    if (typeof env !== 'object' || (env as unknown) === null || Array.isArray(env)) {
      mistakes.push(`${where} is not a record of names and strings`);
      continue;
    }
    for (const [name, value] of Object.entries(env)) {
      const why = named(name, where) ? valueMistake(name, value) : undefined;
      if (why !== undefined) mistakes.push(`${where}: ${why}`);
    }
  }
  for (const [passEnv, where] of [
    [stage.passEnv, `passEnv of stage “${stage.name}”`],
    [options.passEnv, 'passEnv'],
  ] as const) {
    if (passEnv === undefined) continue;
    if (!Array.isArray(passEnv) || !passEnv.every((name) => typeof name === 'string')) {
      mistakes.push(`${where} is not a list of names`);
      continue;
    }
    for (const name of passEnv as readonly string[]) named(name, where);
  }
  if (mistakes.length > 0) return mistakes;
  const declared = {...stage.env, ...options.env};
  const both = askedFor({stage, options}).filter((name) => Object.hasOwn(declared, name));
  return both.map((name) => `${name} is in both env, which gives it a value, and passEnv, which takes yours`);
}

/**
 * Variables by which the system, an interpreter or a library decides what code it loads, or whom it talks to. The list
 * cannot be complete, so names that look like a place, a list of options or a thing to be loaded are on it as well.
 */
const DECIDES_CODE =
  /^(?:PATH|HOME|SHELL|ENV|CDPATH|LD_|DYLD_|NODE_|npm_|PYTHON|PERL|RUBY|GEM_|LUA_|JAVA|_JAVA|JDK_|CLASSPATH|PHP|R_|JULIA_|GIT_|SSH_|OPENSSL_|SSL_|GLIBC_|MALLOC_|EDITOR|VISUAL|PAGER|LESS|XDG_|TMPDIR|DOCKER_|R1_)|(?:PATH|HOME|DIR|ROOT|CONF|CONFIG|OPTION|OPTIONS|OPTS|ARGS|FLAGS|MODULE|MODULES|PLUGIN|PLUGINS|PRELOAD|COMMAND|EXEC|WRAPPER|INIT|RC|STARTUP|PROXY|proxy|URL|BUNDLE)$/;

/**
 * Why variables that a store remembers must not be handed on: a store may be somebody else's, and is data. What decides on
 * the code that runs is taken from a recipe or from the definition of a stage, never from there.
 */
export function untrustedVariable({stage, options}: Pick<StageNode, 'stage' | 'options'>): string | undefined {
  const [mistake] = environmentMistakes(stage, options);
  if (mistake !== undefined) return mistake;
  const untrusted = Object.entries(options.env ?? {}).find(
    ([name, value]) => DECIDES_CODE.test(name) && stage.env?.[name] !== value,
  );
  if (untrusted === undefined) return undefined;
  return `the environment variable ${untrusted[0]} may decide what code runs, so it is not taken from a store`;
}

function nameMistake(name: string): string | undefined {
  if (!NAME.test(name)) {
    return `${JSON.stringify(name)} names no environment variable: letters, digits and “_”, no digit first`;
  }
  if (OWN.has(name)) return `${name} is set by r1 for each job`;
  return isOfTheShell(name) ? `${name} belongs to the shell that starts a job` : undefined;
}

function valueMistake(name: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return `${name} is ${value === null ? 'null' : `a ${typeof value}`}, not a string`;
  if (value.includes('\0')) return `${name} holds a NUL character, which no environment can`;
  if (/\p{Surrogate}/u.test(value)) return `${name} is no Unicode text: it holds half a surrogate pair`;
  const bytes = Buffer.byteLength(value) + name.length + 2;
  return bytes > LONGEST
    ? `${name} has ${bytes} bytes, and the system takes ${LONGEST} at most: write a file`
    : undefined;
}
