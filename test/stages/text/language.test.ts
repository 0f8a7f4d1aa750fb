import assert from 'node:assert/strict';
import test from 'node:test';

import {loadDetector} from '../../../stages/text/detector.js';
import {consistencyIn, LANGUAGES, needsDetector, type Language} from '../../../stages/text/language.js';
import {proseOf} from '../../../stages/text/prose.js';

await loadDetector();

/** One sentence of reasoning in each language. */
const SENTENCES: Readonly<Record<Language, string>> = {
  en: 'So the total number of apples in the basket is seven.',
  zh: '所以篮子里一共有七个苹果。',
  ja: 'したがって、かごの中のりんごは全部で七個です。',
  ko: '따라서 바구니에 있는 사과는 모두 일곱 개입니다.',
  ru: 'Итак, всего в корзине семь яблок, потому что мы сложили.',
  uk: 'Отже, всього в кошику сім яблук, тому що ми додали їх.',
  bg: 'Следователно общият брой на ябълките в кошницата е седем.',
  ar: 'إذن العدد الإجمالي للتفاح في السلة هو سبعة.',
  fa: 'بنابراین تعداد کل سیب‌های داخل سبد هفت عدد است.',
  ur: 'اس لیے ٹوکری میں سیبوں کی کل تعداد سات ہے۔',
  hi: 'इसलिए टोकरी में सेबों की कुल संख्या सात है।',
  mr: 'म्हणून टोपलीतील सफरचंदांची एकूण संख्या सात आहे.',
  bn: 'তাই ঝুড়িতে আপেলের মোট সংখ্যা সাত।',
  ta: 'எனவே கூடையில் உள்ள ஆப்பிள்களின் மொத்த எண்ணிக்கை ஏழு.',
  te: 'కాబట్టి బుట్టలోని ఆపిల్స్ మొత్తం సంఖ్య ఏడు.',
  th: 'ดังนั้นจำนวนแอปเปิลทั้งหมดในตะกร้าคือเจ็ดลูก',
  el: 'Άρα ο συνολικός αριθμός των μήλων στο καλάθι είναι επτά.',
  he: 'לכן המספר הכולל של התפוחים בסל הוא שבע.',
  fr: 'Donc le nombre total de pommes dans le panier est de sept.',
  de: 'Also beträgt die Gesamtzahl der Äpfel im Korb sieben.',
  es: 'Entonces el número total de manzanas en la cesta es siete.',
  pt: 'Portanto, o número total de maçãs na cesta é sete.',
  it: 'Quindi il numero totale di mele nel cestino è sette.',
  nl: 'Dus het totale aantal appels in de mand is zeven.',
  pl: 'Zatem łączna liczba jabłek w koszyku wynosi siedem.',
  cs: 'Takže celkový počet jablek v košíku je sedm.',
  sv: 'Så det totala antalet äpplen i korgen är sju.',
  da: 'Så det samlede antal æbler i kurven er syv.',
  fi: 'Korissa on siis yhteensä seitsemän omenaa.',
  ro: 'Deci numărul total de mere din coș este șapte.',
  hu: 'Tehát a kosárban lévő almák száma összesen hét.',
  tr: 'Yani sepetteki toplam elma sayısı yedidir.',
  vi: 'Vậy tổng số táo trong giỏ là bảy quả.',
};

test('a text is all of its own language and, apart from near relatives, nothing of another', () => {
  const near = new Set(['da sv', 'sv da', 'es pt', 'pt es', 'ru bg', 'bg ru', 'hi mr', 'mr hi']);
  for (const [own, sentence] of Object.entries(SENTENCES))
    for (const language of LANGUAGES) {
      const share = consistencyIn(`${sentence} 3 + 4 = 7`, language)!;
      if (own === language) assert.equal(share, 1, `${own} in ${language}`);
      else if (!near.has(`${own} ${language}`)) assert.ok(share < 0.45, `${own} as ${language}: ${share}`);
    }
});

test('a mixture is counted by words', () => {
  const mixed = `${SENTENCES.en} ${SENTENCES.fr}`; // 11 and 12 words
  assert.equal(consistencyIn(mixed, 'en'), 11 / 23);
  assert.equal(consistencyIn(mixed, 'fr'), 12 / 23);
  assert.equal(consistencyIn(mixed, 'ru'), 0);
  assert.equal(consistencyIn('我们 have 七', 'zh'), 3 / 4);
  assert.equal(consistencyIn('所以籃子裡一共有七個蘋果', 'zh'), 1); // traditional
  // Short sentences are judged together.
  assert.equal(consistencyIn('Donc oui. Alors la somme. Et puis non.', 'en'), 0);
  assert.equal(consistencyIn('So n = 7. Wait.', 'en'), 1);
});

test('formulas, code, names, units and addresses are of no language', () => {
  const nothing = [
    '$x + \\text{apples}$',
    '$$\\frac{a}{b}$$',
    '\\(\\sin x\\)',
    '\\begin{align} total &= seven \\end{align}',
    '```python\nfor apple in basket: total += 1\n```',
    '```\nnever closed total',
    '`total_apples`',
    'sqrt(x), math.sqrt, totalApples, total_apples, f2',
    'sin cos log max',
    '5 km, 3kg, 12 GB, 90°',
    'https://example.org/apples and'.slice(0, 26),
    '<think> </think> <|end|>',
    'x y z 3.14',
  ];
  for (const text of nothing) assert.equal(consistencyIn(text, 'zh'), undefined, `${text} → ${proseOf(text)}`);
  assert.equal(consistencyIn(`因此 \`total\` 是 $x=3$ 。`, 'zh'), 1);
  assert.equal(consistencyIn('It costs $5 and then $6 more', 'zh'), 0); // amounts of money are no formula
});

test('a detector is needed where languages share a script', () => {
  assert.deepEqual(
    LANGUAGES.filter((language) => !needsDetector(language)),
    ['zh', 'ja', 'ko', 'bn', 'ta', 'te', 'th', 'el', 'he'],
  );
});
