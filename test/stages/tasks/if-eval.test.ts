/** Each kind of instruction of IF-Eval, on responses that follow it and that do not. */
import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ifEval, instructionsIn} from '../../../stages/tasks/answers/if-eval.js';
import {INSTRUCTIONS, followed, instructionFault} from '../../../stages/tasks/if-eval/instructions.js';
import {countSentences, treebankTokens} from '../../../stages/tasks/if-eval/tokens.js';
import {loadDetector} from '../../../stages/text/detector.js';
import {readCompletion} from '../../../stages/text/completion.js';

before(loadDetector);

type Case = readonly [given: Readonly<Record<string, unknown>>, follows: readonly string[], fails: readonly string[]];

const relation = 'at least';
const LONG = 'The weather in the north of England was cold and wet for most of the winter';
const CASES: Readonly<Record<string, Case>> = {
  'keywords:existence': [{keywords: ['mom', 'mother']}, ['Mommy is my Mother.'], ['My mother.']],
  'keywords:frequency': [{keyword: 'war', frequency: 2, relation}, ['War and warfare'], ['one war']],
  'keywords:forbidden_words': [{forbidden_words: ['rock']}, ['rocks are rocky'], ['They ROCK!', 'a c++ rock']],
  'keywords:letter_frequency': [{letter: '#', let_frequency: 2, let_relation: relation}, ['#one #two'], ['#one two']],
  'language:response_language': [
    {language: 'de'},
    ['Das Wetter im Norden war den ganzen Winter über kalt und nass.', '123'],
    [LONG],
  ],
  'length_constraints:number_sentences': [
    {num_sentences: 3, relation: 'less than'},
    ['Dr. Smith left at 5 p.m. on Jan. 3. He was late.'],
    ['One. Two! Three?'],
  ],
  'length_constraints:number_paragraphs': [
    {num_paragraphs: 2},
    ['One\n***\nTwo', '*** One *** Two ***'],
    ['One\n\nTwo', 'One *** *** Two'],
  ],
  'length_constraints:number_words': [{num_words: 3, relation}, ['one-two three'], ['one two']],
  'length_constraints:nth_paragraph_first_word': [
    {num_paragraphs: 2, nth_paragraph: 2, first_word: 'Then'},
    ['First.\n\n"Then, it rained.', 'First.\n\nthen.'],
    ['First.\nThen it rained.', 'First.\n\nThen.\n\nThen.', 'First.\n\nThenceforth'],
  ],
  'detectable_content:number_placeholders': [{num_placeholders: 2}, ['[name] at [address]'], ['[name\n]', '[a]']],
  'detectable_content:postscript': [{postscript_marker: 'P.S.'}, ['Bye.\np. s. more'], ['Bye. PS more']],
  'detectable_format:number_bullet_lists': [
    {num_bullets: 2},
    ['* one\n* two', '- one\n  * two'],
    ['* one', '** one\n** two'],
  ],
  'detectable_format:constrained_response': [{}, ['Well. My answer is maybe. So.'], ['my answer is yes.']],
  'detectable_format:number_highlighted_sections': [{num_highlights: 2}, ['*one* **two**'], ['*one* and two', '** **']],
  'detectable_format:multiple_sections': [
    {section_spliter: 'SECTION', num_sections: 2},
    ['SECTION 1 a SECTION2 b'],
    ['Section 1 a Section 2 b', 'SECTION 1'],
  ],
  'detectable_format:json_format': [{}, ['```json\n{"a": [1]}\n```', '[1]'], ['{a: 1}', 'Here: {"a": 1}']],
  'detectable_format:title': [{}, ['<<a song>>'], ['<< >>', '<a song>', '<<a\nsong>>']],
  'combination:two_responses': [{}, ['One ****** Two', '******One******Two'], ['One ****** One', 'One']],
  'combination:repeat_prompt': [{prompt_to_repeat: 'Say it.'}, [' say it. I do.'], ['I say it.']],
  'startend:end_checker': [{end_phrase: 'Any questions?'}, ['So. "any questions?"'], ['Any questions? No.']],
  'startend:quotation': [{}, [' "All of it" '], ['"', 'He said "it"']],
  'change_case:capital_word_frequency': [
    {capital_frequency: 2, capital_relation: relation},
    ['COVID-19 and NASA', "DON'T"],
    ['COVID-19 and Nasa'],
  ],
  'change_case:english_capital': [{}, [LONG.toUpperCase()], [LONG, 'DAS WETTER IM NORDEN WAR DEN GANZEN WINTER KALT']],
  'change_case:english_lowercase': [
    {},
    [LONG.toLowerCase()],
    [LONG, 'das wetter im norden war den ganzen winter kalt'],
  ],
  'punctuation:no_comma': [{}, ['no comma； here、'], ['one, two']],
};

test('there are 25 kinds, and each is tried', () => {
  assert.equal(Object.keys(INSTRUCTIONS).length, 25);
  assert.deepEqual(Object.keys(CASES).sort(), Object.keys(INSTRUCTIONS).sort());
});

for (const [id, [given, good, bad]] of Object.entries(CASES))
  test(id, () => {
    assert.equal(instructionFault({id, given}), undefined);
    for (const response of good) assert.equal(followed([{id, given}], response), 1, response);
    for (const response of [...bad, '', ' \n']) assert.equal(followed([{id, given}], response), 0, response);
  });

test('Nepali and Swahili, which the detector does not know, are told by their commonest words', () => {
  const is = (language: string, text: string): boolean =>
    followed([{id: 'language:response_language', given: {language}}], text) === 1;
  const swahili = 'Chakula hiki ni kizuri kwa afya ya watoto na watu wazima katika nchi yetu.';
  const nepali = 'नेपाल एक सुन्दर देश हो र यहाँका मानिसहरू धेरै मिलनसार छन्।';
  const hindi = 'भारत एक सुंदर देश है और यहाँ के लोग बहुत मिलनसार हैं।';
  assert.deepEqual(
    [is('sw', swahili), is('sw', LONG), is('ne', nepali), is('ne', hindi), is('hi', hindi)],
    [...[true, false, true, false, true]],
  );
});

test('sentences: abbreviations, initials, decimals and ellipses end none', () => {
  const counts: readonly (readonly [string, number])[] = [
    ['', 0],
    ['no end', 1],
    ['One. Two', 2],
    ['J. K. Rowling wrote it, e.g. in 3.5 years.', 1],
    ['Well... maybe so. “Yes!” he said.', 3],
    ['Really?! No.', 2],
  ];
  for (const [text, count] of counts) assert.equal(countSentences(text), count, text);
});

test('tokens are those of the Penn Treebank', () => {
  assert.deepEqual(treebankTokens("I CAN'T go, can I? (NASA/ESA)"), [
    ...['I', 'CA', "N'T", 'go', ',', 'can', 'I', '?', '(', 'NASA/ESA', ')'],
  ]);
});

test('what a response is worth: the share that it follows, without its thinking', () => {
  const reference = JSON.stringify([
    {id: 'punctuation:no_comma', given: {}},
    {id: 'startend:quotation', given: {}},
  ]);
  const worth = (text: string): number => ifEval.grade!(ifEval.read(readCompletion(text, true))!, reference);
  assert.equal(worth('<think> Hm, commas. </think> "None here."'), 1);
  assert.equal(worth('<think> ok </think> None here.'), 0.5);
  assert.equal(worth('One, two.'), 0);
  assert.equal(ifEval.reference(reference), reference);
  for (const none of [
    '',
    '[]',
    '{}',
    '[{"id":"punctuation:commas","given":{}}]',
    '[{"id":"startend:end_checker","given":{}}]',
  ])
    assert.equal(instructionsIn(none), undefined, none);
});
