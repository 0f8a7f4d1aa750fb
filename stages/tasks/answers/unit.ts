/** What may stand behind a number and leaves it what it is: currencies, percent, units, and one thing that is counted. */

const words = (text: string): Set<string> => new Set(text.split(' '));

/** A currency, a percent or degree sign, words. */
const UNIT = /^(?:[%°]|\p{Sc}|°[CF]|[\p{L}\p{M}][\p{L}\p{M}'.-]*)$/u;
/** `^2`, `^{-1}`, ² and the like behind a unit; `m2` for a length. */
const POWER = /(?:\^-?[1-9]|\^\{-?[1-9]\}|[²³])$|(?<=^(?:[mcdk]?m|ft|in|yd|mi))[23]$/u;
/** Units of one letter; any other letter is the name of a quantity, as in 5x and 2π. */
const LETTER_UNITS = words('m g s h l L t N J W V A Ω');
/** Units that may stand right behind a number; other letters there are quantities, as in 2xy. */
const SHORT_UNITS = words(
  'km cm mm dm nm um in ft yd mi kg mg lb lbs oz ml cl dl kl gal qt pt hr hrs min mins sec secs ms ns us mph kph kmh rpm bpm fps hz khz ' +
    'mhz ghz kb mb gb tb kw mw kwh kj mv kv ma pa kpa psi atm mol cal kcal deg rad sq pcs usd eur gbp cny rmb jpy inr chf mya yrs yr pts px ' +
    'of cc ha',
);
/** Words of units, and those that stand between or behind them. */
const LONG_UNITS = words(
  'meter meters metre metres gram grams liter liters litre litres ton tons tonne tonnes pound pounds ounce ounces inch inches foot feet ' +
    'yard yards mile miles acre acres hectare hectares gallon gallons quart quarts pint pints cup cups hour hours minute minutes second ' +
    'seconds day days week weeks month months year years decade decades century centuries dollar dollars cent cents euro euros yen yuan ' +
    'rupee rupees percent percentage degree degrees celsius fahrenheit kelvin newton newtons joule joules watt watts volt volts ampere ' +
    'amperes ohm ohms hertz pascal pascals calorie calories mole moles radian radians byte bytes bit bits unit units point points ' +
    'square cubic per each an the old long tall left total altogether',
);
const PREFIXED = /^(?:kilo|centi|milli|deci|micro|nano|mega|giga)(?=\p{L}{4})/u;
/** The million and what has its name from it, in languages with Latin letters; no millimetre. */
const MILLION = /^(?:mi|bi|tri|quadri|quinti|sexti|septi|octi|noni|zi)l+[ijy]?[oóõau]|^(?:dec|cent|vigint)illi|^milh/u;
/** What is no thing to count: it makes another number of the one before it, a bound, a date, a formula or a sentence. */
const NO_NOUNS = words(
  'half halves third thirds fourth fourths quarter quarters fifth fifths sixth sixths seventh sevenths eighth eighths ninth ninths ' +
    'tenth tenths hundredth hundredths thousandth thousandths hundred hundreds thousand thousands mn bn bln tn mln mio mrd mld mia md ' +
    'lakh lakhs lac lacs crore crores cr dozen dozens score scores gross grand myriad myriads squared cubed factorial mod modulo pi th st ' +
    'nd rd times mil mille tausend hundert dutzend tusen duizend honderd bin yuz ribu juta miliar ratus puluh elfu arab kharab ' +
    'tysiac tysiace tysiecy tisic ezer docena docenas douzaine douzaines cientos centaines milliers trieu nghin ngan ' +
    'january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec ' +
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen ' +
    'twenty thirty forty fifty sixty seventy eighty ninety ' +
    'sqrt cbrt root roots log logs ln lg sin cos tan cot csc sinh cosh tanh arcsin arccos arctan asin acos atan exp abs max gcd lcm floor ' +
    'ceil round det lim sum prod int frac sgn choose chooses permute base remainder rem power powers exponent twice thrice double doubled ' +
    'triple tripled halved absolute inverse reciprocal ' +
    'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho sigma tau upsilon phi chi omega inf infinity ' +
    'more fewer less extra additional further another higher lower bigger smaller larger greater older younger longer shorter taller ' +
    'minimum maximum ish upwards onwards ago past after before circa ungefaehr mindestens menos moins meno minus negative oclock',
);
/** What joins it to something else. */
const JOINS = words(
  'or and to than plus over under above below is are was were be if when where because since so then not no nor but by between ' +
    'until till versus vs except without point out more less fewer most least equals equal approximately about roughly maybe around ' +
    'ou oder und et bis from with within beyond only exactly can cannot could it he she they this that these those',
);
const CLOCK = words('am pm a.m p.m');
/** Counters and units in Chinese, with which what is counted begins. */
const HAN_UNIT =
  /^(?:[个個只隻条條张張本支枝把块塊元角分米克升吨噸斤名位人颗顆粒棵朵头頭匹辆輛架艘件套双雙对對杯瓶盒箱袋包页頁次天周週年岁歲歳秒度台枚册冊円圆圓家所间間座道题題步种種毛篇瓦焦牛里]|公[里斤尺顷頃分升]|小[时時]|分[钟鐘]|厘米|毫[米升克]|平方|立方|英[里尺寸镑鎊]|美[元分]|欧元|歐元|日元|港元|人民[币幣]|摄氏|攝氏)/u;
const NO_UNIT_HAN =
  /[未以超前后後余餘强強弱程足不非零一二三四五六七八九十百千万亿兆億萬半多几幾约約至到或和与與倍割折成第差近内內外月日号號点點]|左右|大[约約概于於]|小[于於]|少[于於]|分之/u;

const isHanUnit = (name: string, place: number): boolean =>
  !NO_UNIT_HAN.test(name) && (place > 0 || HAN_UNIT.test(name));

/** Whether a word is a function, a Greek letter, a number or a scale, a month, a bound: no thing to count. */
export function isNoNoun(word: string): boolean {
  const lower = word.toLowerCase();
  return NO_NOUNS.has(lower) || MILLION.test(lower);
}

/**
 * Whether nothing behind a number is but its unit: words that are known to be units, and at most one other, a plain noun.
 *
 * @param text what is behind the number, with the space where one is between
 * @param isClockTold whether `10am` is a 10: it is in an answer, and no whole number where it is the reference
 */
export function isUnit(text: string, isClockTold: boolean): boolean {
  const isAttached = !text.startsWith(' ');
  const parts = text.split(/[ /·]/).filter((word) => word !== '');
  let unknown = 0;
  const isPart = (word: string, place: number): boolean => {
    const name = word.replace(POWER, '').replace(/[.,]{1,3}$/, '');
    const lower = name.toLowerCase();
    if (!UNIT.test(name)) return false;
    if (/\p{Script=Han}/u.test(name))
      return /^\p{Script=Han}+$/u.test(name) && isHanUnit(name.replace(/^千(?=[克米瓦])/u, ''), place);
    if (/^[%°\p{Sc}]/u.test(name)) return true;
    if (CLOCK.has(lower)) return isClockTold;
    if (/^\p{L}$/u.test(name)) return LETTER_UNITS.has(name) || (place > 0 && lower === 'a');
    if (isNoNoun(lower)) return false;
    if (SHORT_UNITS.has(lower) || LONG_UNITS.has(lower) || LONG_UNITS.has(lower.replace(PREFIXED, ''))) return true;
    if (JOINS.has(lower) || !/^[a-z]{3,}$/.test(lower) || (isAttached && place === 0)) return false;
    unknown++;
    return unknown === 1;
  };
  return parts.length <= 6 && parts.every(isPart);
}
