/**
 * What word problems are about: where things are kept, how they become more and fewer, how one asks for them. Each story has
 * its sentences in several wordings. Three rules keep every problem to one answer: a sentence names the things that it counts, as a
 * count that is beside the point may stand in front of it; what becomes fewer is gone from the place or the person that the
 * question asks about; and nobody but the person of the story is called "he" or "she".
 */

/** A person, and how a sentence goes on about them. */
export interface Person {
  readonly name: string;
  readonly he: 'he' | 'she';
  readonly his: 'his' | 'her';
  /** Relatives whom the pronoun cannot mean: a woman has a brother and an uncle here, a man a sister and an aunt. */
  readonly sibling: 'brother' | 'sister';
  readonly aunt: 'uncle' | 'aunt';
}

/** A count that has nothing to do with the story, between two bounds that make sense of it. */
export interface Aside {
  readonly low: number;
  readonly high: number;
  readonly say: (who: Person, count: number) => string;
}

/** When a question is about: the first where nothing has become more or fewer, the others where it has. */
export type When = 'altogether' | 'now' | 'in the end';

/** Sentences about a count of things. Numbers in them are at least 2, so that nothing is ever in the singular. */
export interface Story {
  readonly id: string;
  /** In the plural: `marbles`. */
  readonly things: string;
  /** How the count begins; sentences without a full stop, which may begin with a small letter. */
  readonly start: readonly ((who: Person, count: number) => string)[];
  /** The same where there are several packs of equally many. */
  readonly packs: readonly ((who: Person, packs: number, each: number) => string)[];
  /** How it becomes more. */
  readonly more: readonly ((who: Person, count: number) => string)[];
  /** How it becomes fewer. */
  readonly fewer: readonly ((who: Person, count: number) => string)[];
  /** How it is dealt out, and what one of those who get the same then has. */
  readonly share: readonly {
    readonly deal: (who: Person, among: number) => string;
    readonly ask: string;
    readonly find: string;
  }[];
  /** How many there are in the end, as a question behind the story and as a request in front of it. */
  readonly ask: (who: Person, when: When) => string;
  readonly find: (who: Person, when: When) => string;
  readonly aside: readonly Aside[];
}

const girls = ['Mia', 'Anna', 'Lena', 'Priya', 'Sofia', 'Grace', 'Amara', 'Ines', 'Ruth', 'Yuki', 'Clara', 'Nora'];
const boys = ['Tom', 'Ben', 'Omar', 'Leo', 'Raj', 'Jack', 'Diego', 'Paul', 'Kofi', 'Hugo', 'Sam', 'Ivan'];

export const PEOPLE: readonly Person[] = [
  ...girls.map((name): Person => ({name, he: 'she', his: 'her', sibling: 'brother', aunt: 'uncle'})),
  ...boys.map((name): Person => ({name, he: 'he', his: 'his', sibling: 'sister', aunt: 'aunt'})),
];

/** `a jar`, `an album` */
const a = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/** `jars`, `boxes` */
const plural = (noun: string): string => `${noun}${/(?:s|x|ch|sh)$/.test(noun) ? 'es' : 's'}`;

const AGE: Aside = {low: 12, high: 60, say: ({name}, count) => `${name} is ${count} years old`};
const WINDOWS: Aside = {low: 4, high: 20, say: ({name}, count) => `${name}'s house has ${count} windows`};
const TOWN: Aside = {low: 2, high: 30, say: ({name}, count) => `${name} has lived in this town for ${count} years`};

interface Owned {
  /** Where they are kept: `jar`. */
  readonly place: string;
  /** Where equally many are kept, in the plural, with its preposition: `in bags`. */
  readonly packs: string;
  /** Where they are put when they are dealt out; neither the place nor the packs, so that "each box" is one of these. */
  readonly holder: string;
  /** `finds` */
  readonly found: string;
  /** What leaves nothing of them with the person: `loses`. */
  readonly lost: string;
}

/** What somebody owns, keeps somewhere, gets and gives away. */
function owned(things: string, {packs, place, holder, found, lost}: Owned): Story {
  const [on, pack] = split(packs);
  return {
    id: things,
    things,
    start: [
      ({name}, count) => `${name} has ${count} ${things}`,
      ({name}, count) => `${name} has ${a(place)} with ${count} ${things} in it`,
      ({name, his}, count) =>
        `${name} keeps all ${his} ${things} in ${a(place)}, and there are ${count} ${things} in it`,
    ],
    packs: [
      ({name}, count, each) => `${name} has ${count} ${pack} with ${each} ${things} ${on} each`,
      ({name, his}, count, each) =>
        `${name} keeps all ${his} ${things} ${on} ${count} ${pack}, and there are ${each} ${things} ${on} each of them`,
    ],
    more: [
      ({he}, count) => `${he} ${found} ${count} more ${things}`,
      ({he}, count) => `${he} gets ${count} ${things} from some friends`,
      ({he, his, aunt}, count) => `then ${he} gets ${count} more ${things} from ${his} ${aunt}`,
    ],
    fewer: [
      ({he}, count) => `${he} ${lost} ${count} ${things}`,
      ({he, his, sibling}, count) => `${he} gives ${count} ${things} to ${his} ${sibling}`,
      ({he}, count) => `then ${he} gives away ${count} ${things}`,
    ],
    share: [
      {
        deal: ({he, his}, among) =>
          `${he} gives all ${his} ${things} to ${among} children, and each child gets the same number`,
        ask: `How many ${things} does each child get?`,
        find: `Find out how many ${things} each child gets.`,
      },
      {
        deal: ({he, his}, among) =>
          `${he} puts all ${his} ${things} into ${among} ${plural(holder)}, with the same number in each ${holder}`,
        ask: `How many ${things} are in each ${holder}?`,
        find: `Find out how many ${things} are in each ${holder} in the end.`,
      },
    ],
    ask: ({name}, when) => `How many ${things} does ${name} have ${when}?`,
    find: ({name}, when) => `Find out how many ${things} ${name} has ${when}.`,
    aside: [AGE, WINDOWS, TOWN],
  };
}

interface Placed {
  /** Where the story is, with its preposition: `on bus`. */
  readonly at: string;
  readonly come: string;
  readonly go: string;
  /** Where equally many are, in the plural, with its preposition: `in rows`. */
  readonly packs: string;
  /** How they are dealt out: `are tied to`. */
  readonly divided: string;
  /** To what, with the preposition by which it is asked: `at pier`. */
  readonly part: string;
  /** About the place, or else about somebody who is not counted. */
  readonly aside: readonly Aside[];
}

/** What comes and goes at a place that is nobody's. */
function placed(id: string, things: string, {at, come, go, packs, divided, part, aside}: Placed): Story {
  const [beside, place] = split(at);
  const [on, pack] = split(packs);
  const [within, one] = split(part);
  const [somewhere, there] = [`${beside} ${a(place)}`, `${beside} the ${place}`];
  return {
    id,
    things,
    start: [
      (_, count) => `there are ${count} ${things} ${somewhere}`,
      ({name}, count) => `${name} counts all the ${things} ${somewhere}, and there are ${count} ${things}`,
    ],
    packs: [
      (_, count, each) => `there are ${count} ${pack} of ${things} ${somewhere}, with ${each} ${things} ${on} each`,
      (_, count, each) =>
        `all the ${things} ${somewhere} are ${on} ${count} ${pack}, and there are ${each} ${things} ${on} each of them`,
    ],
    more: [
      (_, count) => `then ${count} more ${things} ${come}`,
      (_, count) => `after that, ${count} more ${things} ${come}`,
    ],
    fewer: [
      (_, count) => `then ${count} ${things} ${go}`,
      (_, count) => `a little later, ${count} of the ${things} ${go}`,
    ],
    share: [
      {
        deal: (_, among) =>
          `now all the ${things} ${divided} ${among} ${plural(one)}, with the same number ${within} each ${one}`,
        ask: `How many ${things} are ${within} each ${one}?`,
        find: `Find out how many ${things} are ${within} each ${one} in the end.`,
      },
    ],
    ask: (_, when) => `How many ${things} are ${there} ${when}?`,
    find: (_, when) => `Find out how many ${things} are ${there} ${when}.`,
    aside,
  };
}

/** A preposition, and the words behind it. */
function split(phrase: string): [string, string] {
  const space = phrase.indexOf(' ');
  return [phrase.slice(0, space), phrase.slice(space + 1)];
}

/** An aside about a place: what stands in front of its count, and behind. */
const about = (before: string, behind: string, low: number, high: number): Aside => ({
  low,
  high,
  say: (_, count) => `${before} ${count} ${behind}`,
});

/** What somebody earns and spends. */
const money: Story = {
  id: 'money',
  things: 'dollars',
  start: [
    ({name}, count) => `${name} has ${count} dollars`,
    ({name}, count) => `${name} has saved ${count} dollars`,
    ({name, his}, count) => `${name} keeps all ${his} money in a wallet, and there are ${count} dollars in it`,
  ],
  packs: [
    ({name}, hours, each) =>
      `${name} has no money at first, works for ${hours} hours and earns ${each} dollars an hour`,
    ({name}, weeks, each) =>
      `${name} has no money at first and then gets ${each} dollars every week for ${weeks} weeks`,
    ({name}, count, each) => `${name} has ${count} envelopes with ${each} dollars in each`,
  ],
  more: [
    ({he}, count) => `${he} earns ${count} dollars by washing cars`,
    ({he, his, aunt}, count) => `then ${he} gets ${count} dollars from ${his} ${aunt}`,
  ],
  fewer: [
    ({he}, count) => `${he} spends ${count} dollars on food`,
    ({he}, count) => `${he} pays ${count} dollars for a ticket`,
  ],
  share: [
    {
      deal: ({he, his}, among) =>
        `${he} gives all ${his} money to ${among} friends, and each friend gets the same amount`,
      ask: 'How many dollars does each friend get?',
      find: 'Find out how many dollars each friend gets.',
    },
  ],
  ask: ({name}, when) => `How many dollars does ${name} have ${when}?`,
  find: ({name}, when) => `Find out how many dollars ${name} has ${when}.`,
  aside: [{...AGE, low: 16}, WINDOWS],
};

export const STORIES: readonly Story[] = [
  owned('marbles', {packs: 'in bags', place: 'jar', holder: 'box', found: 'finds', lost: 'loses'}),
  owned('stickers', {packs: 'on sheets', place: 'drawer', holder: 'envelope', found: 'wins', lost: 'uses up'}),
  owned('coins', {packs: 'in jars', place: 'box', holder: 'bag', found: 'finds', lost: 'spends'}),
  owned('apples', {packs: 'in baskets', place: 'bowl', holder: 'bag', found: 'picks', lost: 'sells'}),
  owned('pencils', {packs: 'in boxes', place: 'case', holder: 'cup', found: 'buys', lost: 'loses'}),
  owned('books', {packs: 'on shelves', place: 'cupboard', holder: 'box', found: 'buys', lost: 'sells'}),
  owned('eggs', {packs: 'in cartons', place: 'basket', holder: 'bowl', found: 'buys', lost: 'uses up'}),
  owned('balloons', {packs: 'in packets', place: 'box', holder: 'bag', found: 'buys', lost: 'throws away'}),
  placed('bus', 'people', {
    at: 'on bus',
    come: 'get on',
    go: 'get off',
    packs: 'in groups',
    divided: 'change to',
    part: 'in van',
    aside: [about('The bus has', 'windows', 6, 20), about('The bus is', 'years old', 2, 20)],
  }),
  placed('birds', 'birds', {
    at: 'in park',
    come: 'fly in',
    go: 'fly away',
    packs: 'in flocks',
    divided: 'fly to',
    part: 'on roof',
    aside: [about('There are', 'benches in the park', 4, 40), about('It has been raining for', 'minutes', 3, 40)],
  }),
  placed('cars', 'cars', {
    at: 'in parking lot',
    come: 'arrive',
    go: 'drive off',
    packs: 'in rows',
    divided: 'are moved to',
    part: 'in garage',
    aside: [about('There are', 'lamps in the parking lot', 4, 20), about('The parking lot is', 'years old', 2, 40)],
  }),
  placed('library', 'visitors', {
    at: 'in library',
    come: 'come in',
    go: 'leave',
    packs: 'in rooms',
    divided: 'form',
    part: 'in group',
    aside: [about('The library has', 'windows', 6, 40), about('The library is open for', 'hours a day', 5, 12)],
  }),
  owned('cards', {packs: 'in packs', place: 'drawer', holder: 'box', found: 'wins', lost: 'loses'}),
  owned('shells', {packs: 'in buckets', place: 'jar', holder: 'bag', found: 'finds', lost: 'loses'}),
  owned('stamps', {packs: 'in albums', place: 'album', holder: 'envelope', found: 'buys', lost: 'sells'}),
  owned('cookies', {packs: 'on trays', place: 'tin', holder: 'bag', found: 'bakes', lost: 'eats'}),
  owned('beads', {packs: 'on strings', place: 'box', holder: 'bag', found: 'finds', lost: 'loses'}),
  owned('buttons', {packs: 'in packets', place: 'tin', holder: 'jar', found: 'buys', lost: 'loses'}),
  owned('candies', {packs: 'in bags', place: 'bowl', holder: 'box', found: 'buys', lost: 'eats'}),
  owned('oranges', {packs: 'in crates', place: 'basket', holder: 'bag', found: 'buys', lost: 'eats'}),
  owned('flowers', {packs: 'in buckets', place: 'vase', holder: 'basket', found: 'picks', lost: 'sells'}),
  owned('tickets', {packs: 'in envelopes', place: 'wallet', holder: 'box', found: 'buys', lost: 'loses'}),
  owned('crayons', {packs: 'in boxes', place: 'case', holder: 'bag', found: 'finds', lost: 'loses'}),
  owned('ribbons', {packs: 'in packets', place: 'drawer', holder: 'box', found: 'buys', lost: 'uses up'}),
  owned('muffins', {packs: 'on trays', place: 'tin', holder: 'box', found: 'bakes', lost: 'sells'}),
  owned('toys', {packs: 'in boxes', place: 'chest', holder: 'basket', found: 'buys', lost: 'sells'}),
  owned('nails', {packs: 'in packets', place: 'toolbox', holder: 'jar', found: 'buys', lost: 'uses up'}),
  owned('seeds', {packs: 'in packets', place: 'bag', holder: 'jar', found: 'buys', lost: 'sells'}),
  owned('postcards', {packs: 'in packs', place: 'drawer', holder: 'box', found: 'buys', lost: 'mails'}),
  owned('potatoes', {packs: 'in sacks', place: 'bucket', holder: 'basket', found: 'digs up', lost: 'sells'}),
  owned('bottles', {packs: 'in crates', place: 'cupboard', holder: 'box', found: 'buys', lost: 'recycles'}),
  owned('photos', {packs: 'in albums', place: 'album', holder: 'envelope', found: 'prints', lost: 'throws away'}),
  owned('pears', {packs: 'in baskets', place: 'bowl', holder: 'bag', found: 'picks', lost: 'eats'}),
  owned('plates', {packs: 'in stacks', place: 'cupboard', holder: 'box', found: 'buys', lost: 'throws away'}),
  owned('candles', {packs: 'in packets', place: 'drawer', holder: 'box', found: 'makes', lost: 'uses up'}),
  owned('tomatoes', {packs: 'on trays', place: 'basket', holder: 'box', found: 'picks', lost: 'eats'}),
  placed('harbor', 'boats', {
    at: 'in harbor',
    come: 'sail in',
    go: 'sail out',
    packs: 'in rows',
    divided: 'are tied to',
    part: 'at pier',
    aside: [about('The water is', 'meters deep', 3, 20), about('The harbor is', 'years old', 20, 90)],
  }),
  placed('field', 'cows', {
    at: 'in field',
    come: 'wander in',
    go: 'run off',
    packs: 'in herds',
    divided: 'are led to',
    part: 'in barn',
    aside: [about('There are', 'trees around the field', 3, 40), about('The sun has been up for', 'hours', 2, 9)],
  }),
  placed('station', 'bikes', {
    at: 'at station',
    come: 'are brought there',
    go: 'are taken away',
    packs: 'in rows',
    divided: 'are moved to',
    part: 'in shed',
    aside: [about('The station is', 'years old', 3, 90), about('The next train comes in', 'minutes', 3, 40)],
  }),
  placed('gym', 'students', {
    at: 'in gym',
    come: 'come in',
    go: 'go home',
    packs: 'in teams',
    divided: 'go to',
    part: 'in classroom',
    aside: [about('The gym has', 'windows', 4, 20), about('The gym is', 'years old', 2, 60)],
  }),
  placed('airport', 'planes', {
    at: 'at airport',
    come: 'land',
    go: 'take off',
    packs: 'in rows',
    divided: 'are moved to',
    part: 'in hangar',
    aside: [about('The airport has', 'gates', 10, 40), about('The airport is', 'years old', 5, 60)],
  }),
  placed('lake', 'ducks', {
    at: 'on lake',
    come: 'arrive',
    go: 'fly away',
    packs: 'in flocks',
    divided: 'fly to',
    part: 'on pond',
    aside: [about('The lake is', 'meters deep', 2, 40), about('There are', 'trees around the lake', 5, 40)],
  }),
  placed('stage', 'dancers', {
    at: 'on stage',
    come: 'come on',
    go: 'walk off',
    packs: 'in rows',
    divided: 'form',
    part: 'in circle',
    aside: [about('The stage is', 'meters wide', 6, 30), about('The music lasts', 'minutes', 3, 40)],
  }),
  placed('hotel', 'guests', {
    at: 'in hotel',
    come: 'check in',
    go: 'check out',
    packs: 'in groups',
    divided: 'go on a trip in',
    part: 'in van',
    aside: [about('The hotel has', 'floors', 3, 20), about('The hotel is', 'years old', 2, 90)],
  }),
  money,
];
