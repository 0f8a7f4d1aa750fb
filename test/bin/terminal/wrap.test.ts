/** Lines of a wanted width, whatever script they are in. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {fitted, widthOf} from '../../../bin/terminal/columns.js';
import {wrap, wrappedText} from '../../../bin/terminal/wrap.js';

test('lines break at blanks, and a word only where it has to', () => {
  assert.deepEqual(wrap('aaa bbb ccc ddd', 7), ['aaa bbb', 'ccc ddd']);
  assert.deepEqual(wrap('abcdefgh', 3), ['abc', 'def', 'gh']);
  assert.deepEqual(wrap('a bcdefgh', 5), ['a', 'bcdef', 'gh']);
  assert.deepEqual(wrap('    if true return false', 12), ['    if true', 'return false']);
  assert.deepEqual(wrap('fits', 4), ['fits']);
  assert.deepEqual(wrap('', 4), ['']);
});

test('a Chinese character takes two places, and lines break between them but before no full stop', () => {
  assert.deepEqual(wrap('日本語のテキスト', 7), ['日本語', 'のテキ', 'スト']);
  assert.deepEqual(wrap('日本語。次', 6), ['日本', '語。次']);
  assert.deepEqual(wrap('左 9 ， 右 8 。 右', 10), ['左 9 ， 右', '8 。 右']);
  assert.deepEqual(wrap('now , what ?', 10), ['now ,', 'what ?']);
  assert.deepEqual(wrap('日', 1), ['日'], 'what is wider than a line has to go somewhere');
});

test('no line is wider than it may be, and nothing but blanks is lost', () => {
  const texts = [
    'left 4 up 2 gives 6 . 左 6 退 2 得 4 。 left 4 down 3 gives 1 .',
    '👩‍💻👨‍👩‍👧‍👦🇩🇪 emoji between words 👍🏽 and café',
    'שלום עולם זה טקסט ארוך מאוד',
    `${'漢字かな交じり文、'.repeat(40)} and ${'x'.repeat(300)}`,
  ];
  for (const text of texts)
    for (let width = 2; width < 60; width++) {
      const lines = wrap(text, width);
      for (const line of lines) assert.ok(widthOf(line) <= width, `${width}: ${JSON.stringify(line)}`);
      assert.equal(lines.join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
    }
});

test('a long text takes time in proportion to its length', () => {
  const begun = performance.now();
  wrap('字'.repeat(50_000), 80);
  // It takes a quarter of a second; all of it segmented at once would take the square, which is minutes.
  assert.ok(performance.now() - begun < 30_000);
});

test('what a terminal would obey is shown as symbols, which are counted; tabs are blanks', () => {
  assert.deepEqual(wrappedText('\u001b[31mred\r\n\tx', 20), ['␛[31mred␍', '    x']);
  assert.deepEqual(wrappedText('a\u202eb', 5), ['a<U+2', '02E>b']);
});

test('a result for a terminal is broken at spaces and goes on further in; commands to type, and what is no terminal, stay', () => {
  const text = 'fits\n  not at all wide\n  r1 samples evaluate-base --wrong\ncolumn  of two';
  assert.equal(
    fitted(text, {width: 12, isTerminal: true}),
    'fits\n  not at all\n    wide\n  r1 samples evaluate-base --wrong\ncolumn  of\n  two',
  );
  assert.equal(fitted(text, {width: 12, isTerminal: false}), text);
});
