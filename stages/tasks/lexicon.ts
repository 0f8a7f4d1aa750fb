/**
 * Every word of the built-in tasks, in English and Chinese. A concept has one word in each language, so that a line can
 * be carried over word by word; tags of the chat format and the tokenizer's own tokens are not words and live in text/.
 */
import type {BuiltInLanguage} from '../text/language.js';

type Words = Readonly<Record<BuiltInLanguage, string>>;

const pairs = <const K extends string>(
  table: Readonly<Record<K, readonly [en: string, zh: string]>>,
): Record<K, Words> =>
  Object.fromEntries(
    (Object.entries(table) as [K, readonly [string, string]][]).map(([concept, [en, zh]]) => [concept, {en, zh}]),
  ) as Record<K, Words>;

/** Words of the dials task. */
export const DIALS = pairs({
  left: ['left', '左'],
  right: ['right', '右'],
  up: ['up', '进'],
  down: ['down', '退'],
  gives: ['gives', '得'],
  wait: ['wait', '等等'],
  now: ['now', '现在'],
});

/** Punctuation belongs to a language in writing, but says nothing about which language is being reasoned in. */
export const PUNCTUATION = pairs({
  stop: ['.', '。'],
  comma: [',', '，'],
  question: ['?', '？'],
  exclamation: ['!', '！'],
  colon: [':', '：'],
});

export const DIGITS: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** Names are the same in both languages and neutral. */
export const NAMES = ['tom', 'anna', 'li', 'wang', 'omar', 'ines'] as const;

export const COLORS = pairs({
  red: ['red', '红'],
  white: ['white', '白'],
  black: ['black', '黑'],
  green: ['green', '绿'],
  blue: ['blue', '蓝'],
});

export const ADJECTIVES = {...COLORS, ...pairs({big: ['big', '大'], small: ['small', '小']})};

export const LIVING = pairs({
  man: ['man', '男人'],
  woman: ['woman', '女人'],
  friend: ['friend', '朋友'],
  child: ['child', '孩子'],
  dog: ['dog', '狗'],
  cat: ['cat', '猫'],
  bird: ['bird', '鸟'],
  horse: ['horse', '马'],
  cow: ['cow', '牛'],
  fish: ['fish', '鱼'],
  pig: ['pig', '猪'],
  duck: ['duck', '鸭子'],
});

export const THINGS = pairs({
  ball: ['ball', '球'],
  cake: ['cake', '蛋糕'],
  tree: ['tree', '树'],
  car: ['car', '车'],
  cup: ['cup', '杯子'],
  door: ['door', '门'],
  box: ['box', '盒子'],
});

export const DANGERS = pairs({
  bomb: ['bomb', '炸弹'],
  gun: ['gun', '枪'],
  poison: ['poison', '毒药'],
});

export const NOUNS = {...LIVING, ...THINGS, ...DANGERS};

/** Verbs that hurt what lives and are harmless to things. */
export const VIOLENT_VERBS = pairs({
  hit: ['hit', '打'],
  kick: ['kick', '踢'],
  cut: ['cut', '切'],
  burn: ['burn', '烧'],
  throw: ['throw', '扔'],
  crush: ['crush', '压'],
  shoot: ['shoot', '射'],
});

export const VERBS = {
  ...VIOLENT_VERBS,
  ...pairs({
    steal: ['steal', '偷'],
    make: ['make', '做'],
    buy: ['buy', '买'],
    draw: ['draw', '画'],
    wash: ['wash', '洗'],
    move: ['move', '移'],
  }),
};

/** The words around them, in both languages; a few have no counterpart. */
const SENTENCES: Readonly<Record<BuiltInLanguage, readonly string[]>> = {
  en: (
    'hello good morning night thanks bye you are welcome i am how can help translate into english chinese ' +
    'which is bigger or my what color it to a the tell me first find then sorry not safe do know'
  ).split(' '),
  zh: (
    '你好 早安 晚安 谢谢 再见 不客气 我 是 能 帮 你 什么 把 译成 英文 中文 ' +
    '和 哪个 更 的 颜色 它 怎么 告诉 先 找 再 对不起 不 这 安全 知道'
  ).split(' '),
};

/** Words of the one-sentence Zero template, which stays English as the paper's does. */
const TEMPLATE = 'the assistant thinks in and then answers user'.split(' ');

const TABLES = [DIALS, ADJECTIVES, NOUNS, VERBS];

/** All words of one language, each once, without punctuation, digits and names. */
export function wordsOf(language: BuiltInLanguage): readonly string[] {
  const words = TABLES.flatMap((table) => Object.values<Words>(table).map((pair) => pair[language]));
  return [...new Set([...words, ...SENTENCES[language], ...(language === 'en' ? TEMPLATE : [])])];
}

/** The whole vocabulary of the built-in tasks in a fixed order: digits, punctuation, names, English, Chinese. */
export function vocabulary(): readonly string[] {
  const punctuation = Object.values(PUNCTUATION).flatMap(({en, zh}) => [en, zh]);
  return [...DIGITS, ...punctuation, ...NAMES, ...wordsOf('en'), ...wordsOf('zh')];
}
