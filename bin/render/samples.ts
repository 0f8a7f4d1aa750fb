/** Stored completions for people: the question once, then each completion with its verdict, rewards and advantage. */
import {isRight} from '../../stages/samples/index.js';
import type {RewardPart, StoredGroup, StoredSample} from '../../stages/samples/index.js';
import type {Services} from '../cli-context.js';
import {createColors, oneLine, withoutColors} from '../terminal/paint.js';
import {widthOf} from '../terminal/columns.js';
import {wrap, wrappedText} from '../terminal/wrap.js';

/** What is drawn with. In a pipe texts are neither cut into lines nor changed: who reads it may search it. */
export type Canvas = Pick<Services, 'colours' | 'width' | 'isTerminal'>;

/** Completions under a title of their own, as where two models answer one question. */
export interface Answers {
  /** Whose they are; not said where they are the only ones. */
  readonly title?: string;
  readonly group: StoredGroup;
}

/** A model's text stays legible on a narrow terminal. */
const NARROWEST = 16;

/** A group and what stands beside it, with a blank line behind each part. */
export function groupText(answers: readonly [Answers, ...Answers[]], canvas: Canvas): string {
  const {bold, dim} = createColors(canvas.colours);
  const [{group, title}] = answers;
  const name = [...(group.step === undefined ? [] : [`step ${group.step}`]), oneLine(group.prompt)];
  const heading = title === undefined ? [...name, dim(countText(group))] : name;
  const {question, references = []} = group;
  const facts = [
    ...(group.task === undefined ? [] : [oneLine(group.task)]),
    ...(group.language === undefined ? [] : [oneLine(group.language)]),
    ...(group.steps === undefined ? [] : [`${group.steps} ${group.steps === 1 ? 'step' : 'steps'}`]),
  ];
  return [
    ...itemLines(
      [bold(heading[0]!), ...heading.slice(1).map((text) => (title === undefined ? text : bold(text)))],
      '',
      canvas,
    ),
    ...(question === undefined ? [] : labelled('question', question, canvas)),
    ...(references.length === 0 ? [] : labelled('reference', references.join('\n'), canvas)),
    ...(facts.length === 0 ? [] : [dim(`${' '.repeat(LABEL)}${facts.join(', ')}`)]),
    '',
    ...answers.flatMap((one) => [
      ...(one.title === undefined ? [] : [...itemLines(titleItems(one, canvas), '', canvas)]),
      ...samplesLines(one.group, canvas),
    ]),
  ].join('\n');
}

const titleItems = ({title, group}: Answers, {colours}: Canvas): readonly string[] => {
  const {cyan, dim} = createColors(colours);
  const step = group.step === undefined ? [] : [`step ${group.step}`];
  return [cyan(title!), ...step, dim(countText(group))];
};

/** `16 completions: 5 right, 11 wrong`, and how many of them are shown where it is not all. */
export function countText({samples, wanted}: StoredGroup): string {
  if (samples.length === 0) return '';
  const right = samples.filter((sample) => isRight(sample) === true).length;
  const wrong = samples.filter((sample) => isRight(sample) === false).length;
  const kept = samples.filter(({fate}) => fate === 'kept').length;
  const judged = [
    ...(right + wrong === 0 ? [] : [`${right} right`, `${wrong} not right`]),
    ...(samples.some(({fate}) => fate !== undefined) ? [`${kept} kept`] : []),
  ];
  const all = `${samples.length} ${samples.length === 1 ? 'completion' : 'completions'}`;
  const shown = wanted.length === samples.length ? all : `${wanted.length} of ${all}`;
  return `${shown}${judged.length === 0 ? '' : `: ${judged.join(', ')}`}`;
}

const LABEL = 'reference  '.length;

function labelled(label: string, text: string, canvas: Canvas): readonly string[] {
  const {dim} = createColors(canvas.colours);
  return textLines(text, canvas.width - LABEL, canvas).map(
    (line, index) => `${index === 0 ? dim(label.padEnd(LABEL)) : ' '.repeat(LABEL)}${line}`,
  );
}

function samplesLines({wanted}: StoredGroup, canvas: Canvas): readonly string[] {
  const {dim} = createColors(canvas.colours);
  return alike(wanted).flatMap((samples) => [
    ...itemLines(headItems(samples, canvas), '  ', canvas),
    ...(samples[0]!.text.trim() === '' ? [dim('    (no text)')] : completionLines(samples[0]!.text, canvas)),
    '',
  ]);
}

const completionLines = (text: string, canvas: Canvas): readonly string[] =>
  textLines(readable(text), canvas.width - 4, canvas).map((line) => (line === '' ? '' : `    ${line}`));

/** Completions that differ in nothing but their number are shown once. */
function alike(samples: readonly StoredSample[]): readonly (readonly StoredSample[])[] {
  const groups = new Map<string, StoredSample[]>();
  for (const sample of samples) {
    const {id: _id, file: _file, line: _line, sample: number, ...rest} = sample;
    const key = JSON.stringify(number === undefined ? sample : rest);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample]);
    else group.push(sample);
  }
  return [...groups.values()];
}

/** Thinking and answer begin lines of their own, as they do where a model writes them so. */
const readable = (text: string): string =>
  text
    .trim()
    .replace(/<\/think>[ \t]*(?=\S)/g, '</think>\n')
    .replace(/(?<=\S)[ \t]*<answer>/g, '\n<answer>')
    .replace(/\n{2,}(?=<answer>)/g, '\n');

function headItems(samples: readonly StoredSample[], canvas: Canvas): readonly string[] {
  const {red, green, yellow, dim} = createColors(canvas.colours);
  const [sample] = samples as [StoredSample];
  const right = isRight(sample);
  const words = verdictWords(sample);
  const [mark, paint] =
    sample.finished === false
      ? ['–', yellow]
      : right === true
        ? ['✓', green]
        : right === false
          ? ['✗', red]
          : ['·', dim];
  const number = sample.sample === undefined ? oneLine(sample.id) : numbersText(samples);
  return [
    `${paint(mark)} ${number}`,
    ...(words.length === 0 ? [] : [paint(words.map(oneLine).join(', '))]),
    ...rewardItems(sample),
    ...(sample.advantage === undefined ? [] : [`advantage ${signed(sample.advantage)}`]),
    ...measureItems(sample),
    ...(sample.tokens === undefined ? [] : [dim(`${sample.tokens} tokens`)]),
    ...Object.entries(sample.notes ?? {}).map(([name, value]) => dim(oneLine(`${name} ${value}`))),
  ];
}

/** `#0 #3 #5–#9 (7 alike)` */
function numbersText(samples: readonly StoredSample[]): string {
  const numbers = samples.map(({sample}) => sample!).sort((a, b) => a - b);
  const spans: [number, number][] = [];
  for (const number of numbers) {
    const last = spans.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else spans.push([number, number]);
  }
  const texts = spans.map(([from, to]) =>
    to === from ? `#${from}` : to === from + 1 ? `#${from} #${to}` : `#${from}–#${to}`,
  );
  return `${texts.join(' ')}${samples.length === 1 ? '' : ` (${samples.length} alike)`}`;
}

function verdictWords({finished, outcome, why, fate, role, helpful, safe}: StoredSample): readonly string[] {
  return [
    ...(role === undefined ? [] : [role]),
    ...(finished === false ? ['cut off'] : []),
    ...(outcome === undefined ? [] : [why === undefined ? outcome : `${outcome} (${why})`]),
    ...(helpful === undefined ? [] : [helpful ? 'helpful' : 'not helpful']),
    ...(safe === undefined ? [] : [safe ? 'safe' : 'not safe']),
    ...(fate === undefined ? [] : [fate === 'kept' ? 'kept' : `dropped: ${fate}`]),
  ];
}

/** `reward 1.4 = accuracy 0 + format 1 + language 0.4`, then what was judged and does not count. */
function rewardItems({reward, rewards = []}: StoredSample): readonly string[] {
  const partText = ({name, value, weight = 1, why}: RewardPart): string => {
    const reason = why === undefined || name === 'accuracy' ? '' : ` (${why})`;
    return oneLine(`${weight === 1 ? '' : `${numberText(weight)}×`}${name} ${numberText(value)}${reason}`);
  };
  const counted = rewards.filter(({weight}) => weight !== undefined);
  const others = rewards.filter(({weight}) => weight === undefined);
  const sum = counted.map(partText).join(' + ').replaceAll('+ -', '− ');
  return [
    ...(reward === undefined ? [] : [`reward ${numberText(reward)}${sum === '' ? '' : ` = ${sum}`}`]),
    ...(others.length === 0
      ? []
      : [`${counted.length === 0 ? '' : 'not counted: '}${others.map(partText).join(', ')}`]),
  ];
}

/** What an evaluation measures beside the answer, where it is not as it should be. */
function measureItems({outcome, answer, wellFormed, consistency}: StoredSample): readonly string[] {
  return [
    ...(answer === undefined || outcome === undefined || outcome === 'right' ? [] : [oneLine(`answer ${answer}`)]),
    ...(wellFormed === false ? ['not in the format'] : []),
    ...(consistency === undefined || consistency === 1 ? [] : [`language ${numberText(consistency)}`]),
  ];
}

/** Two decimals at most. */
const numberText = (value: number): string => String(Number(value.toFixed(2))).replace('-', '−');

const signed = (value: number): string => `${value > 0 ? '+' : value < 0 ? '−' : ''}${Math.abs(value).toFixed(2)}`;

/** Items with two blanks between them, in as many lines as they take; what is behind the first line is indented. */
export function itemLines(items: readonly string[], indent: string, {width, isTerminal}: Canvas): readonly string[] {
  if (!isTerminal) return [indent + items.filter((item) => item !== '').join('  ')];
  const lines: string[] = [];
  let line = '';
  for (const item of items.filter((text) => text !== '')) {
    const room = width - indent.length - (lines.length === 0 && line === '' ? 0 : 2);
    if (line !== '' && widthOf(line) + 2 + widthOf(item) <= width - indent.length) line += `  ${item}`;
    else {
      if (line !== '') lines.push(line);
      const [first = '', ...rest] =
        widthOf(item) > room ? wrap(withoutColors(item), Math.max(NARROWEST, room)) : [item];
      lines.push(...[first, ...rest].slice(0, -1));
      line = rest.at(-1) ?? first;
    }
  }
  return [...lines, line].map((text, index) => `${indent}${index === 0 ? '' : '  '}${text}`);
}

const textLines = (text: string, width: number, {isTerminal}: Canvas): readonly string[] =>
  isTerminal ? wrappedText(text, Math.max(NARROWEST, width)) : text.split('\n');
