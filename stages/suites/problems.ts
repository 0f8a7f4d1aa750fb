/**
 * Rows of a benchmark's file as the prompts of its suite. Which field is what the suite says; what is not there is refused with what
 * was found, and what file is wanted.
 */
import {StageFailure} from '../../pipeline/stage.js';
import type {Format} from '../data/import/params.js';
import {sourceRows} from '../data/import/rows.js';
import {valueAt} from '../data/import/values.js';
import type {SourceRow} from '../data/import/values.js';
import {random} from '../random.js';
import type {Prompt} from '../tasks/prompt.js';
import {choiceLines, filled} from './fill.js';
import {readers} from './readers/index.js';
import {formatOf, missing, scalarOf, type KeepRows, type PrepareRows} from './row.js';
import type {Role} from './roles.js';
import type {Suite} from './suite.js';

/** Files of a benchmark by what they are; a folder is read file by file. */
export type SuiteFiles = Readonly<Partial<Record<Role, readonly NamedFile[]>>>;

export interface NamedFile {
  readonly path: string;
  /** By which messages call it. */
  readonly name: string;
}

/** What a suite makes of its files. */
export interface Problems {
  readonly prompts: readonly Prompt[];
  /** Rows of the prompts, as the file has them, in the same order. */
  readonly rows: readonly SourceRow[];
  /** Places of the rows in all files of the questions, from 0. */
  readonly places: readonly number[];
  /** Rows of the files that the suite counts, before a limit. */
  readonly total: number;
}

/**
 * The problems of a suite.
 *
 * @param limit so many of them, drawn by the seed, in the order of the file; all of them where it is undefined
 * @param seed also of the order of choices, and of the examples in front of a question
 * @throws {StageFailure} with file, row and field
 */
export async function readProblems(
  suite: Suite,
  files: SuiteFiles,
  {
    limit,
    seed,
    format,
    ...preparing
  }: {
    readonly limit?: number | undefined;
    readonly seed: number;
    readonly format?: Format | undefined;
  } & Parameters<PrepareRows>[1],
): Promise<Problems> {
  const questions = files.questions ?? [];
  if (questions.length === 0) throw new StageFailure(`${suite.title} wants its questions: ${suite.data.from}`);
  for (const role of Object.keys(files) as Role[])
    if (role !== 'questions' && suite.data.others[role] === undefined)
      throw new StageFailure(
        `${suite.title} has no use for a file of ${role}` +
          (Object.keys(suite.data.others).length === 0
            ? ''
            : `; it takes ${Object.keys(suite.data.others).join(', ')}`),
      );
  const all = await rowsOf(suite, questions, {...suite.data, format});
  if (all.length === 0)
    throw new StageFailure(`${listed(questions)}: no row is of ${suite.title}; it wants ${suite.data.from}`);
  const {make, prepare, keep} = readers[suite.data.reader];
  const usable = keep === undefined ? all : keptOf(all, keep, preparing.note);
  const kept = limit === undefined || limit >= usable.length ? usable : drawn(usable, limit, seed);
  const examples = await shotRows(suite, files);
  const plain = kept.map(({row}) => row);
  const rows = prepare === undefined ? plain : await prepare(plain, preparing);
  const ids = new Map<string, string>();
  const prompts = kept.map(({place}, index) => {
    const row = rows[index]!;
    const id = idOf(suite, row, place, ids);
    const shots = random(seed, 'suite/shots', place);
    const shown = suite.ask.shots === 0 ? [] : shots.shuffle(examples).slice(0, suite.ask.shots);
    const prompt = make(suite, row, {id, order: random(seed, 'suite/choices', place)});
    return asked(suite, prompt, row, shown);
  });
  return {prompts, rows, places: kept.map(({place}) => place), total: usable.length};
}

/** The longest of the examples that a prompt may have in front of it, '' where it has none. @throws {StageFailure} as `readProblems` */
export async function longestShot(suite: Suite, files: SuiteFiles): Promise<string> {
  let longest = '';
  for (const row of await shotRows(suite, files)) {
    const text = shotOf(suite, row);
    if (text.length > longest.length) longest = text;
  }
  return longest;
}

/** Those rows that a reader can use, with their places. */
function keptOf(all: readonly Placed[], keep: KeepRows, note: (text: string) => void): readonly Placed[] {
  const rows = all.map(({row}) => row);
  const kept = new Set(keep(rows, note));
  return all.filter(({row}) => kept.has(row));
}

interface Placed {
  readonly row: SourceRow;
  /** In all files of the questions. */
  readonly place: number;
}

async function rowsOf(
  suite: Suite,
  files: readonly NamedFile[],
  {only, between, format}: Pick<Suite['data'], 'only' | 'between'> & {readonly format?: Format | undefined},
): Promise<Placed[]> {
  const found: Placed[] = [];
  let place = 0;
  for (const {path, name} of files)
    for await (const row of sourceRows(path, name, {format: formatOf(name, format)})) {
      const held = (field: string): string | undefined => {
        const value = valueAt(row.fields, field);
        if (value === undefined) throw missing(suite, row, [field]);
        return scalarOf(value);
      };
      const counts =
        Object.entries(only).every(([field, wanted]) => held(field) === wanted) &&
        Object.entries(between).every(([field, [from, to]]) => {
          const text = held(field) ?? '';
          return text >= from && text < to;
        });
      if (counts) found.push({row, place});
      place += 1;
    }
  return found;
}

function drawn(all: readonly Placed[], limit: number, seed: number): Placed[] {
  const places = random(seed, 'suite/limit')
    .shuffle(all.map((_, index) => index))
    .slice(0, limit);
  return places.sort((a, b) => a - b).map((place) => all[place]!);
}

async function shotRows(suite: Suite, {shots: files = []}: SuiteFiles): Promise<readonly SourceRow[]> {
  const {shots} = suite.ask;
  if (shots === 0) return [];
  if (files.length === 0)
    throw new StageFailure(
      `${suite.title} shows ${shots} solved examples before each question: it wants a file of shots, ${suite.data.others.shots!}`,
    );
  const rows = (await rowsOf(suite, files, {only: {}, between: {}})).map(({row}) => row);
  if (rows.length < shots)
    throw new StageFailure(`${listed(files)} has ${rows.length} rows, ${shots} are shown at once`);
  return rows;
}

const listed = (files: readonly NamedFile[]): string => files.map(({name}) => name).join(', ');

/** A row's own id, or its place. @throws {StageFailure} another row has it */
function idOf(suite: Suite, row: SourceRow, place: number, ids: Map<string, string>): string {
  const own = (suite.data.id ?? []).map((name) => valueAt(row.fields, name)).find((value) => value !== undefined);
  const text = own === undefined || own === null ? undefined : scalarOf(own);
  const id = `${suite.name}:${text ?? place}`;
  const earlier = ids.get(id);
  if (earlier !== undefined)
    throw new StageFailure(`${row.at}: the id “${text ?? place}” was used at ${earlier}; is it the same file twice?`);
  ids.set(id, row.at);
  return id;
}

/** A field by its name. @throws {StageFailure} where there is none that holds a text */
function named(suite: Suite, row: SourceRow, name: string): string {
  const value = valueAt(row.fields, name);
  const text = value === undefined || value === null ? undefined : scalarOf(value);
  if (text === undefined) throw missing(suite, row, [name]);
  return text;
}

/** A solved example, as it is shown. */
const shotOf = (suite: Suite, row: SourceRow): string =>
  filled(suite.ask.shot, (name) => named(suite, row, suite.data[name as 'question' | 'answer']?.[0] ?? name));

/** The prompt with the suite's words around its question. */
function asked(suite: Suite, prompt: Prompt, row: SourceRow, shots: readonly SourceRow[]): Prompt {
  const {ask} = suite;
  const shown = (): string => shots.map((shot) => shotOf(suite, shot)).join('\n');
  const question = filled(ask.prompt, (name) => {
    if (name === 'question') return prompt.question;
    if (name === 'choices') return choiceLines(prompt.choices ?? [], ask.choice);
    return name === 'shots' ? shown() : named(suite, row, name);
  });
  return {...prompt, question};
}
