/**
 * What word problems are about: where things are kept, how they become more and fewer, how one asks for them. Each story has
 * its sentences in several wordings, which are told apart when problems are split: see index.ts.
 */

/** A person, and how a sentence goes on about them. */
export interface Person {
  readonly name: string;
  readonly he: 'He' | 'She';
}

/** Sentences about a count of things. Numbers in them are at least 2, so that nothing is ever in the singular. */
export interface Story {
  readonly id: string;
  /** In the plural: `marbles`. */
  readonly things: string;
  /** How the count begins; sentences without a full stop. */
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
  readonly ask: readonly ((who: Person) => string)[];
  readonly find: (who: Person) => string;
  /** A count that has nothing to do with it. */
  readonly aside: readonly ((who: Person, count: number) => string)[];
}

const girls = ['Mia', 'Anna', 'Lena', 'Priya', 'Sofia', 'Grace', 'Amara', 'Ines', 'Ruth', 'Yuki', 'Clara', 'Nora'];
const boys = ['Tom', 'Ben', 'Omar', 'Leo', 'Raj', 'Jack', 'Diego', 'Paul', 'Kofi', 'Hugo', 'Sam', 'Ivan'];

export const PEOPLE: readonly Person[] = [
  ...girls.map((name): Person => ({name, he: 'She'})),
  ...boys.map((name): Person => ({name, he: 'He'})),
];

/** What somebody owns, keeps somewhere, gets and gives away. */
function owned(
  id: string,
  things: string,
  {pack, place, found, lost}: {pack: string; place: string; found: string; lost: string},
): Story {
  return {
    id,
    things,
    start: [
      ({name}, count) => `${name} has ${count} ${things}`,
      ({name}, count) => `There are ${count} ${things} in ${name}'s ${place}`,
      ({name}, count) => `${name} keeps ${count} ${things} in a ${place}`,
    ],
    packs: [
      ({name}, packs, each) => `${name} has ${packs} ${pack} with ${each} ${things} in each`,
      ({name}, packs, each) => `${name} buys ${packs} ${pack}, and every one of them holds ${each} ${things}`,
    ],
    more: [
      ({he}, count) => `${he} ${found} ${count} more`,
      ({he}, count) => `${he} gets ${count} ${things} from a friend`,
      ({name}, count) => `Then ${name}'s aunt brings ${count} ${things}`,
    ],
    fewer: [
      ({he}, count) => `${he} ${lost} ${count} of them`,
      ({he}, count) => `${he} gives ${count} ${things} to a neighbor`,
      ({name}, count) => `Then ${name}'s brother takes ${count} ${things} away`,
    ],
    share: [
      {
        deal: ({he}, among) => `${he} shares the ${things} equally among ${among} children`,
        ask: `How many ${things} does each child get?`,
        find: `Find out how many ${things} each child gets.`,
      },
      {
        deal: ({he}, among) => `${he} puts all the ${things} into ${among} bags, the same number in every bag`,
        ask: `How many ${things} are in one bag?`,
        find: `Find out how many ${things} are in one bag.`,
      },
    ],
    ask: [
      ({name}) => `How many ${things} does ${name} have now?`,
      ({name}) => `How many ${things} does ${name} have in the end?`,
    ],
    find: ({name}) => `Find out how many ${things} ${name} has in the end.`,
    aside: [
      ({name}, count) => `${name} is ${count} years old`,
      ({name}, count) => `${name}'s house has ${count} windows`,
      ({he}, count) => `${he} has lived in this town for ${count} years`,
    ],
  };
}

/** What comes and goes at a place that is nobody's. */
function placed(
  id: string,
  things: string,
  {where, come, go, pack, divided, part}: Record<'where' | 'come' | 'go' | 'pack' | 'divided' | 'part', string>,
): Story {
  return {
    id,
    things,
    start: [
      (_, count) => `There are ${count} ${things} ${where}`,
      ({name}, count) => `${name} counts ${count} ${things} ${where}`,
    ],
    packs: [
      (_, packs, each) => `There are ${packs} ${pack} ${where}, with ${each} ${things} in each`,
      ({name}, packs, each) => `${name} sees ${packs} ${pack} ${where}; each of them has ${each} ${things}`,
    ],
    more: [(_, count) => `Then ${count} ${things} ${come}`, (_, count) => `After that, ${count} more ${come}`],
    fewer: [(_, count) => `Then ${count} ${things} ${go}`, (_, count) => `A little later, ${count} of them ${go}`],
    share: [
      {
        deal: (_, among) => `Now the ${things} are ${divided} ${among} ${part}s, with equally many in each`,
        ask: `How many ${things} are in each ${part}?`,
        find: `Find out how many ${things} are in each ${part}.`,
      },
    ],
    ask: [() => `How many ${things} are there now?`, () => `How many ${things} are there in the end?`],
    find: () => `Find out how many ${things} there are in the end.`,
    aside: [
      ({name}, count) => `${name} has been there for ${count} minutes`,
      ({name}, count) => `${name} came with ${count} friends`,
    ],
  };
}

/** What somebody earns and spends. */
const money: Story = {
  id: 'money',
  things: 'dollars',
  start: [
    ({name}, count) => `${name} has ${count} dollars`,
    ({name}, count) => `${name} has saved ${count} dollars`,
    ({name}, count) => `There are ${count} dollars in ${name}'s wallet`,
  ],
  packs: [
    ({name}, hours, each) => `${name} works for ${hours} hours and earns ${each} dollars an hour`,
    ({name}, weeks, each) => `${name} gets ${each} dollars every week, for ${weeks} weeks`,
  ],
  more: [
    ({he}, count) => `${he} earns ${count} dollars for washing a car`,
    ({name}, count) => `Then ${name}'s grandmother gives ${count} dollars to ${name}`,
  ],
  fewer: [
    ({he}, count) => `${he} spends ${count} dollars on lunch`,
    ({he}, count) => `${he} pays ${count} dollars for a ticket`,
  ],
  share: [
    {
      deal: ({he}, among) => `${he} splits the money equally among ${among} friends`,
      ask: 'How many dollars does each friend get?',
      find: 'Find out how many dollars each friend gets.',
    },
  ],
  ask: [
    ({name}) => `How many dollars does ${name} have now?`,
    ({name}) => `How many dollars does ${name} have in the end?`,
  ],
  find: ({name}) => `Find out how many dollars ${name} has in the end.`,
  aside: [({name}, count) => `${name} is ${count} years old`, ({he}, count) => `${he} lives on floor ${count}`],
};

export const STORIES: readonly Story[] = [
  owned('marbles', 'marbles', {pack: 'bags', place: 'jar', found: 'finds', lost: 'loses'}),
  owned('stickers', 'stickers', {pack: 'sheets', place: 'drawer', found: 'wins', lost: 'uses'}),
  owned('coins', 'coins', {pack: 'rolls', place: 'box', found: 'saves', lost: 'spends'}),
  owned('apples', 'apples', {pack: 'baskets', place: 'basket', found: 'picks', lost: 'eats'}),
  owned('pencils', 'pencils', {pack: 'boxes', place: 'case', found: 'buys', lost: 'breaks'}),
  owned('books', 'books', {pack: 'crates', place: 'cupboard', found: 'buys', lost: 'sells'}),
  owned('eggs', 'eggs', {pack: 'cartons', place: 'basket', found: 'collects', lost: 'cooks'}),
  owned('balloons', 'balloons', {pack: 'packets', place: 'hallway', found: 'blows up', lost: 'pops'}),
  placed('bus', 'people', {
    where: 'on a bus',
    come: 'get on',
    go: 'get off',
    pack: 'rows of seats',
    divided: 'moved to',
    part: 'van',
  }),
  placed('birds', 'birds', {
    where: 'in a park',
    come: 'fly in',
    go: 'fly away',
    pack: 'trees',
    divided: 'sitting in',
    part: 'tree',
  }),
  placed('cars', 'cars', {
    where: 'in a parking lot',
    come: 'arrive',
    go: 'drive off',
    pack: 'rows',
    divided: 'parked in',
    part: 'row',
  }),
  placed('library', 'visitors', {
    where: 'in a library',
    come: 'come in',
    go: 'leave',
    pack: 'rooms',
    divided: 'led to',
    part: 'room',
  }),
  money,
];
