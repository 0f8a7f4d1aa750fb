"""Whether a final answer says the same as a reference: Math-Verify, with what it lets through held back.

Math-Verify (https://github.com/huggingface/Math-Verify, 0.9.0) reads both texts and compares them. Around it stand:
- which part of a text is its answer: a formula is read whole, never by one of its digits, and two different answers are none;
- checks of what Math-Verify calls equal, each after a kind of answer that it takes and that is wrong.
"""

import re
from decimal import Decimal
from itertools import product

import sympy
from latex2sympy2_extended.logic import And
from latex2sympy2_extended.sets import FiniteSet as OrderedSet
from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify
from math_verify.grader import get_pct_val, is_assignment_relation, is_equation, take_last_relation
from sympy import EmptySet, FiniteSet, Float, Interval, MatrixBase, Mul, Symbol, Tuple
from sympy.core.relational import Eq, Relational

import units

# A final answer is short; what is longer is no answer. Characters.
LONGEST = 12_000

# Brackets within brackets: Math-Verify takes seconds for what is nested deeper than anybody writes.
DEEPEST = 50

LATEX = LatexExtractionConfig(boxed_match_priority=0)
PLAIN = ExprExtractionConfig()

# Characters that people and models type for what LaTeX writes otherwise.
TYPED = str.maketrans({
    "−": "-", "–": "-", "‐": "-", "‑": "-", "×": r"\times ", "·": r"\cdot ", "÷": r"\div ", "π": r"\pi ", "∞": r"\infty ",
    "°": r"^\circ ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ", "±": r"\pm ", "∅": r"\emptyset ",
    "∈": r"\in ", "²": "^2", "³": "^3", "¹": "^1", "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "θ": r"\theta ",
    "，": ",", "；": ";", "：": ":", "（": "(", "）": ")", "％": "%", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u3000": " ",
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)}, "＋": "+", "－": "-", "＝": "=", "．": ".", "／": "/",
})

DELIMITED = re.compile(r"\\\(|\\\[|\\boxed|\$[^$]+\$|\\begin\{")
# The constants in upright letters, which Math-Verify's grammar does not have.
ROMAN = re.compile(r"\\(?:mathrm|text|operatorname)\s*\{\s*([ei])\s*\}")
ALONE = re.compile(r"\$\$?[^$]+\$\$?|\\\((?:(?!\\\)).)+\\\)|\\\[(?:(?!\\\]).)+\\\]", re.S)
WORDY = re.compile(r"\\(?:text|mbox|textbf|mathrm|operatorname|textit|mathbf)\s*\{[^{}]*\}")
COMMAND = re.compile(r"\\[A-Za-z]+")
KNOWN_WORDS = {"sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln", "exp",
               "sqrt", "pi", "and", "or", "mod", "max", "min", "lim", "det", "gcd", "lcm", "infty", "oo", "inf", "theta", "alpha", "beta"}
SMALL_WORDS = {"is", "it", "of", "to", "in", "at", "by", "no", "we", "so", "on", "as", "an", "if", "the", "are", "not", "one", "two",
               "has", "had", "was", "for", "all", "yes", "any", "can", "you", "but"}
NUMBER = r"[-+]?(?:\d{1,3}(?:[ ,]\d{3})+|\d+)?(?:\.\d+)?"
PLAIN_NUMBER = re.compile(rf"[-+]?[$€£¥₹]?\s*{NUMBER}\s*(?:\\?%|percent|pct|percentage)?\s*[€$£¥]?", re.I)
COMMA_PAIR = re.compile(r"[-+]?\d+,\d+")
ANCHOR = re.compile(r"(?:\b(?:is|it's|are|equals?|answer|be|total|gives?)\b|=|:|≈|\\approx|是|为|答案)\s*(?:about |approximately )?[-+$€£¥]*$", re.I)
# Between the boxes of one answer that has several values.
JOINED = re.compile(r"(?:[^A-Za-z]|\\[A-Za-z]+|\b[A-Za-z]\b)*|.{0,30}\b(?:and|or)\b.{0,30}|.{0,20}[和或与及].{0,20}", re.I | re.S)
EITHER = re.compile(r"(?:\bor\b|\\text\s*\{\s*or\s*\}|或)", re.I)

# What a sentence says of a number so that it is not the answer, in the languages of the answers.
DENIAL = re.compile(
    r"\b(?:not|never|cannot|neither|nor|wrong|incorrect|false|untrue|impossible|except|other than|instead of|rather than|isnt|unlike|(?:is|are) no)\b"
    r"|n['’]t\b|\b(?:n['’]est|pas|faux|fausse|jamais|nicht|kein\w*|falsch|niemals|no es|falso|incorrecto|nunca|non è|não|неверно|не)\b"
    r"|\\neq?(?![A-Za-z])|\\not(?![A-Za-z])|≠|!=|不|非|错|錯|没|沒|否|無|ない|아니", re.I)
# A number that is denied so that another can be said: the other one is the answer.
CORRECTED = re.compile(r"(?:\bnot|n['’]t)\s+[$€£¥]?-?\d[\d,.]*\s*[€£¥$%]?,?\s+(?:but(?: rather)?|which is)\s+(?=[$€£¥]?[-\d])", re.I)
# Words that make another number of the one beside them, or a bound of it.
OTHERWISE = re.compile(
    r"\b(?:minus|negative|opposite|reciprocal|inverse|half|twice|double|triple|almost|nearly|(?:less|greater|more|fewer|larger|smaller|bigger|higher|lower) than"
    r"|at (?:least|most)|above|below|up to|too (?:large|small|big|high|low)|(?:square |cube )?roots? of|factorial)\b|\d\s*(?:squared|cubed)\b", re.I)
# Between the digits of one number, where they are in groups of three, and of two numbers elsewhere.
GAP = r"(?:\\[,;:!\s]|\\q?quad(?![A-Za-z])|[\s~$])+"
SPLIT = re.compile(rf"(?<![\d.])\d+(?:{GAP}\d+)+")
GROUPS = re.compile(rf"\d{{1,3}}(?:{GAP}\d{{3}})+")
# An exponent of ten: `2e-5` and `2e+5` may be sums with the number e and are left.
POWER_OF_TEN = re.compile(r"(?<![\w.\\,])(?:\d+\.\d+[eE][-+]?\d{1,2}|\d+[eE](?:[-+]0\d|\d{1,2}))(?![\w.])")
MIXED = re.compile(r"(\$?|\\boxed\{)\s*([-+]?)(\d{1,6}) +(\d{1,6})\s*/\s*(\d{1,6})\s*(\$?|\})")
FUNCTION = re.compile(r"(?<![\\A-Za-z])(arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|ln|log)(?=\s*\()")
INFINITE = re.compile(r"(?<=[\[(,\s+-])infinity(?=\s*[\]),])|^([-+]?)infinity$")
# A root as it is typed: of a number, of a letter, of what stands in brackets.
ROOT = re.compile(r"√\s*(\d+(?:\.\d+)?|[A-Za-z](?![A-Za-z])|\(([^()]*)\))")
# `\\{x | -1 < x < 2\\}`: the set of one letter under a condition on it.
BUILT = re.compile(r"(\$?)\\?\{\s*([A-Za-z])\s*(?:\||:|\\mid(?![A-Za-z])|\\vert(?![A-Za-z]))\s*([^{}|:]*?)\\?\}(\$?)")
COMPARED = re.compile(r"[<>≤≥]|\\(?:le|ge|leq|geq|lt|gt|leqslant|geqslant)(?![A-Za-z])")
# Zeros in front of a whole number.
LEADING = r"(?<![\d.])0+(?=\d)"
# What stands for a variable on the left of `=`: of pairs that are written out, and of a pair.
ASSIGNED = re.compile(r"(?<![A-Za-z\\])([A-Za-z])\s*=")
TWICE = re.compile(r"\(\s*([A-Za-z])\s*,\s*\1\s*\)\s*=")
# What is shown in a colour or underlined; braces within it go one deep or two.
BRACED = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
DECORATED = re.compile(rf"(?:\\(?:textcolor|color)\s*\{{[A-Za-z]+\}}|\\underline)\s*{BRACED}|\{{\s*\\color\s*\{{[A-Za-z]+\}}\s*([^{{}}]*)\}}")
INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
# A number with more behind it that is no number: `3; drop`.
TRAILED = re.compile(rf"\s*\$?{NUMBER}\$?\s*;.*[A-Za-z]{{2}}.*", re.S)
# Words whose letters are no variables, whichever of them are capitals.
SPOKEN = {"yes", "no", "odd", "all"}


class Unparsable(Exception):
    """There is no one answer to compare."""


def boxes(text):
    """What stands in each `\\boxed{…}` of a text, braces balanced, with where it begins and ends."""
    found, at = [], 0
    while (start := text.find("\\boxed", at)) != -1:
        brace = start + len("\\boxed")
        while brace < len(text) and text[brace] == " ":
            brace += 1
        if brace >= len(text) or text[brace] != "{":
            at = start + 1
            continue
        depth, end = 0, brace
        while end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                break
            end += 1
        if depth != 0:
            break
        found.append((text[brace + 1:end].strip(), start, end + 1))
        at = end + 1
    return found


def is_formula(text):
    """Whether a text without delimiters is one formula from end to end, no sentence."""
    bare = COMMAND.sub(" ", WORDY.sub(" ", text))
    words = [word.lower() for word in re.findall(r"[^\W\d_]{2,}", bare)]
    # Two or three letters beside each other may be a product; long words, and the short ones of a sentence, are none.
    prose = [word for word in words if (len(word) > 3 or word in SMALL_WORDS) and word not in KNOWN_WORDS and not units.is_unit(word)]
    return not prose or (len(words) == 1 and re.fullmatch(r"[A-Za-z]+", text.strip()) is not None)


def is_plain(text):
    """A number, or arithmetic of digits alone, maybe with a unit behind it."""
    bare, _ = units.split(text)
    return PLAIN_NUMBER.fullmatch(bare.strip()) is not None or re.fullmatch(r"[\d\s.+\-*/()]+", bare) is not None


def check_choice(text):
    """Two numbers in a sentence are two answers, unless the last one is said to be it."""
    numbers = list(re.finditer(r"(?<![\w.^])[-+]?\d+(?:[.,/]\d+)*", text))
    if len({match.group().lstrip("+") for match in numbers}) > 1 and not ANCHOR.search(text[: numbers[-1].start()].rstrip()):
        raise Unparsable("several numbers in a sentence, none of them said to be the answer")


def depth_of(text):
    depth = deepest = 0
    for char in text:
        depth += (char in "{([") - (char in "})]")
        deepest = max(deepest, depth)
    return deepest


def undecorated(text):
    """A text that is all in one colour or underlined, without that; and without an equals sign that nothing stands left of."""
    text = INVISIBLE.sub("", text).strip()
    inside = ALONE.fullmatch(text) and re.fullmatch(r"\$([^$]*)\$", text)
    bare = inside.group(1).strip() if inside else text
    decorated = DECORATED.fullmatch(bare)
    if decorated is not None and "=" not in bare:
        bare = next(part for part in decorated.groups() if part is not None).strip()
    elif bare.count("=") == 1:
        bare = re.sub(r"^=\s*(?=[-+]?\d)", "", bare)
    else:
        return text
    return f"${bare}$" if inside else bare


def normal(text):
    """A text with the usual spellings that Math-Verify does not read, or reads otherwise, in those that it does."""
    text = undecorated(text)
    text = POWER_OF_TEN.sub(lambda match: format(Decimal(match.group()), "f"), text)
    text = re.sub(r"\\varnothing(?![A-Za-z])", lambda _: r"\emptyset", text)
    text = SPLIT.sub(lambda match: re.sub(GAP, "", match.group()) if "\\" in match.group() and GROUPS.fullmatch(match.group()) else match.group(), text)
    # The space between two rows may be given.
    text = re.sub(r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm)\s*\]", lambda _: "\\\\ ", text)
    mixed = MIXED.fullmatch(text.strip())
    if mixed is not None and 0 < int(mixed.group(4)) < int(mixed.group(5)):
        before, sign, whole, over, under, behind = mixed.groups()
        text = f"{before}{sign}\\frac{{{int(whole) * int(under) + int(over)}}}{{{under}}}{behind}"
    if not WORDY.search(text):
        text = FUNCTION.sub(r"\\\1", text)
        text = INFINITE.sub(lambda match: (match.group(1) or "") + r"\infty ", text)
    return text


def several(text):
    """`2 or -3` as the list that it means, where nothing but values is in it; else the text."""
    parts = [part.strip().strip("$").strip() for part in EITHER.split(text)]
    return ", ".join(parts) if len(parts) > 1 and all(is_plain(part) for part in parts) else text


def condition(text):
    """A set of one letter as the condition on it, where all there is to it are comparisons; else the text."""
    built = BUILT.fullmatch(text)
    if built is None or not COMPARED.search(built.group(3)) or not re.search(rf"(?<![A-Za-z\\]){built.group(2)}(?![A-Za-z])", built.group(3)):
        return text
    return f"${built.group(3).strip()}$"


def inner(text):
    """What stands in the last box of a text, or the text."""
    inside = boxes(text)
    return inside[-1][0] if inside else text


def check_digits(text):
    """`1 2` is not 12; `1 000` is 1000; `1.2.3` is nothing."""
    for match in re.finditer(r"\d+(?:\.\d+){2,}", text):
        if re.fullmatch(r"\d{1,3}(?:\.\d{3})+", match.group()) is None:
            raise Unparsable("a number with two points")
    for match in SPLIT.finditer(text):
        before = text[: match.start()].rstrip()
        # `\\frac 1 2` and `\\log_2 8` have two numbers beside each other.
        if GROUPS.fullmatch(match.group()) is None and not re.search(r"[_^]$|\\(?:[dtc]?frac|[dt]?binom)$", before):
            raise Unparsable("digits with spaces between them")


def expressions(text, configs):
    return [one for one in parse(text, configs, parsing_timeout=None) if not isinstance(one, str)]


def read(text):
    """All ways to read a text, as SymPy expressions: mostly one. Raises Unparsable."""
    text = ROOT.sub(lambda match: f"\\sqrt{{{match.group(2) or match.group(1)}}}", ROMAN.sub(r"\1", text.translate(TYPED)))
    text = condition(several(normal(text.strip()).rstrip(".。 ").removeprefix("+")))
    # A percent sign is escaped in LaTeX only.
    text = text if DELIMITED.search(text) else text.replace("\\%", "%")
    if text == "":
        raise Unparsable("empty")
    if TRAILED.fullmatch(text) and not is_formula(text):
        raise Unparsable("words behind a number")
    if depth_of(text) > DEEPEST:
        raise Unparsable("nested too deeply")
    check_digits(inner(text))
    # Two backslashes end a row; a bracket behind them is none of a formula's delimiters.
    if "\\begin{" in text and not re.search(r"\\[(\[]|\\boxed|\$", text.replace("\\\\", " ")) and is_formula(re.sub(r"\\(?:begin|end)\s*\{[^{}]*\}", " ", text)):
        text = f"${text}$"
    if DELIMITED.search(text):
        # What stands in a box, or is a formula alone, is never read by one of its digits.
        whole = boxes(text) or ALONE.fullmatch(text)
        found = expressions(text, [LATEX] if whole else [LATEX, PLAIN])
    elif is_plain(text) and re.fullmatch(r"[\d\s.+\-*/()]+", text) and not PLAIN_NUMBER.fullmatch(text):
        # Arithmetic is read whole, never by its first number.
        found = expressions(f"${re.sub(LEADING, '', text)}$", [LATEX])
    elif is_plain(text):
        found = expressions(text, [LATEX, PLAIN]) or expressions(f"${text}$", [LATEX])
    elif COMMA_PAIR.fullmatch(text):
        # A decimal comma, or two numbers.
        found = expressions(text, [PLAIN]) + expressions(f"${text}$", [LATEX])
    elif is_formula(text):
        found = expressions(f"${text}$", [LATEX])
    else:
        found = expressions(text, [LATEX, PLAIN])
        if found:
            check_choice(text)
        elif len(text) <= 200:
            found = expressions(f"$\\text{{{text}}}$", [LATEX]) if re.fullmatch(r"[\w\s,.'-]+", text) else []
    if not found:
        raise Unparsable("no mathematics that can be read")
    return found


def is_many(value):
    """Whether a value is several: a list or a set, no interval, no matrix."""
    if isinstance(value, And):
        # `x = 1 + 2 = 3` is a chain and one value, `x = 1, y = 2` are two.
        parts = value._unsorted_args
        return all(isinstance(part, Eq) for part in parts) and any(one.rhs != other.lhs for one, other in zip(parts, parts[1:]))
    if is_assignment_relation(value):
        value = take_last_relation(value).rhs
    return isinstance(value, (FiniteSet, Tuple, OrderedSet)) and len(value.args) > 1


def same(gold, given):
    return verify(gold, given, timeout_seconds=None) and not objection(gold, given)


def check_one(text, golds):
    """Raises Unparsable where a text holds two answers that differ, and one is asked for."""
    single = not any(is_many(gold) for gold in golds)
    text = text.translate(TYPED)
    found = boxes(text)
    parts = []
    if len(found) > 1:
        if single or not all(JOINED.fullmatch(text[one[2]:other[1]]) for one, other in zip(found, found[1:])):
            parts = [part for part, _, _ in found]
    elif single:
        region = found[0][0] if found else text if len(text) <= 300 else ""
        if EITHER.search(region):
            parts = EITHER.split(region)
    values = []
    for part in dict.fromkeys(part.strip().strip("$ ,;.") for part in parts):
        if part == "":
            continue
        try:
            values.append(read(part))
        except Unparsable:
            # Words around the “or” of one answer hold no second one; a box does.
            if len(found) > 1:
                raise Unparsable("several boxes, one of them unreadable") from None
    for one, other in zip(values, values[1:]):
        if not any(same(a, b) for a, b in product(one, other)):
            raise Unparsable("two different answers")


def number_of(value):
    """The number that an expression is, without its percent sign; None where it has symbols or is no number."""
    if not isinstance(value, sympy.Expr) or isinstance(value, MatrixBase) or value.free_symbols:
        return None
    try:
        value = value.doit()
        return value if value.is_number and value.is_finite is not False and not value.has(sympy.nan, sympy.zoo, sympy.oo) else None
    except (TypeError, ValueError, AttributeError):
        return None


def far(a, b):
    """Whether two numbers differ, though they may agree in their first decimals."""
    has_float = a.has(Float) or b.has(Float)
    try:
        x, y = a.evalf(40), b.evalf(40)
        gap, size = abs(x - y), max(abs(x), abs(y))
        if size == 0 or gap == 0:
            return False
        if not has_float:
            # An exact zero can be a sum that vanishes; its digits say nothing.
            return bool(gap > size * sympy.Float("1e-25")) and sympy.simplify(a - b) != 0
        # Two decimals are equal or they are not; one beside an exact number is that number rounded.
        if isinstance(a, Float) and (isinstance(b, (Float, sympy.Integer))) or isinstance(b, Float) and isinstance(a, sympy.Integer):
            return bool(gap > size * sympy.Float("1e-12"))
        return bool(gap > size * sympy.Float("2e-6"))
    except (TypeError, ValueError):
        return False


POINTS = (sympy.Rational(7, 5), sympy.Rational(31, 13), sympy.Rational(5, 11), sympy.Rational(17, 7), sympy.Rational(23, 9))


def differ_somewhere(a, b):
    """Whether two expressions have other values where their symbols are given numbers."""
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    if not symbols or len(symbols) > 6 or a.atoms(sympy.Function("f").func) or a.has(sympy.Sum, sympy.Integral, sympy.Product, sympy.Limit):
        return False
    for shift in (0, 1):
        point = {symbol: POINTS[(index + shift) % len(POINTS)] + index // len(POINTS) for index, symbol in enumerate(symbols)}
        try:
            x, y = a.subs(point).doit(), b.subs(point).doit()
            if not x.is_number or not y.is_number:
                return False
            if far(x, y):
                return True
        except (TypeError, ValueError, AttributeError):
            return False
    return False


def is_word(value):
    return isinstance(value, Mul) and all(isinstance(arg, Symbol) for arg in value.args)


def values_in(value):
    if isinstance(value, (Tuple, OrderedSet, FiniteSet)):
        return list(value.args)
    if isinstance(value, MatrixBase):
        return list(value.flat())
    if isinstance(value, Interval):
        return [value.start, value.end]
    return None


def hides(side):
    """Whether the left side of an equation is a variable within `|x|`, a logarithm or a power of e; `|AB|` is a length, `f(x)` a name."""
    if isinstance(side, sympy.Abs):
        return not is_word(side.args[0]) and not str(side.args[0]).startswith(("vec", "overrightarrow"))
    return isinstance(side, (sympy.log, sympy.exp))


def objection(gold, given):
    """Why two expressions that Math-Verify calls equal are not; None where nothing speaks against it."""
    if is_assignment_relation(gold):
        gold = take_last_relation(gold).rhs if not is_equation(given) else gold
    if is_equation(given) and not is_equation(gold):
        last = take_last_relation(given)
        sides = [one.lhs for one in getattr(given, "_unsorted_args", [given])]
        # `2x = 6` is no way to say 6, `x = 6` and `1 + 5 = 6` are.
        for side in sides:
            number = number_of(side)
            if number is not None and number_of(last.rhs) is not None and far(number, number_of(last.rhs)):
                return "an equation that does not hold"
            if number is None and isinstance(side, (sympy.Pow, sympy.Add)) or isinstance(side, Mul) and any(arg.is_number for arg in side.args) or number is None and hides(side):
                return "an equation to be solved"
        given = last.rhs
    if isinstance(gold, Eq) and isinstance(given, Eq):
        if is_assignment_relation(gold) and is_assignment_relation(given):
            return objection(gold.rhs, given.rhs) if gold.lhs == given.lhs else None
        a, b = gold.lhs - gold.rhs, given.lhs - given.rhs
        try:
            ratio = sympy.simplify(a / b)
            if not ratio.free_symbols:
                return None
            return None if sympy.solve(gold, dict=True) else "equations without a solution"
        except (TypeError, ValueError, NotImplementedError):
            return None
    if isinstance(gold, Relational) or isinstance(given, Relational):
        return None
    ours, theirs = values_in(gold), values_in(given)
    if ours is not None and theirs is not None:
        if len(ours) != len(theirs):
            return "another number of values"
        numbers = [(number_of(a), number_of(b)) for a, b in zip(ours, theirs)]
        if all(a is not None and b is not None for a, b in numbers):
            left, right = [a for a, _ in numbers], [b for _, b in numbers]
            for one in left:
                match = next((other for other in right if not far(one, other)), None)
                if match is None:
                    return "another value"
                right.remove(match)
        return None
    a, b = number_of(get_pct_val(gold, gold)), number_of(get_pct_val(given, given))
    if a is not None and b is not None:
        # 28 % and 28 are the caller's business; 28 % and 0.28 are one number.
        whole = number_of(gold), number_of(given)
        return "another number" if far(a, b) and (None in whole or far(*whole)) else None
    if isinstance(gold, sympy.Expr) and isinstance(given, sympy.Expr) and not isinstance(gold, Symbol) and not isinstance(given, Symbol):
        return "another value somewhere" if differ_somewhere(gold, given) else None
    return None


def decimals_of(text):
    """Decimals of a text that is one decimal number; None for any other."""
    inside = boxes(text)
    match = re.fullmatch(r"[-+]?\d*\.(\d+)", (inside[-1][0] if inside else text).translate(TYPED).strip(" $"))
    return None if match is None else len(match.group(1))


def base_of(text):
    """The base of a number that is written as 204_5."""
    inside = boxes(text)
    match = re.search(r"\d_\{?(\d+)\}?$", (inside[-1][0] if inside else text).strip(" $."))
    return None if match is None else match.group(1)


def has_percent(text):
    return re.search(r"%|percent|\bpct\b", text) is not None


def letters_of(text):
    """Capitals beside each other are a name, as of a segment or an order; their order counts."""
    bare = re.sub(r"\\(?:text|mbox|mathrm|overline|boxed|textbf)\s*|[{}$\s.]", "", text)
    return bare if re.fullmatch(r"[A-Z]{2,}", bare) else None


def brackets_of(text):
    bare = boxes(text)[-1][0] if boxes(text) else text
    bare = bare.translate(TYPED).replace("\\left", "").replace("\\right", "").strip(" $.")
    bare = re.sub(r"^\\[(\[]|\\[)\]]$", "", bare).strip()
    if bare.startswith("\\{") and bare.endswith("\\}"):
        return "set"
    return "round" if bare.startswith("(") and bare.endswith(")") else None


def plain(text):
    """A text without what changes nothing: delimiters, spaces, sizes of brackets, a full stop."""
    inside = boxes(text)
    text = inside[0][0] if len(inside) == 1 and re.fullmatch(r"\\boxed.*\}", text.strip(" $."), re.S) else text
    # The space between two digits counts.
    text = re.sub(rf"(?<=\d){GAP}(?=\d)", "_", text)
    return re.sub(r"\\left|\\right|\\[,;!\s()\[\]]|[\s$]", "", text.translate(TYPED)).rstrip(".")


def sentence_of(text):
    """What speaks of an answer: the sentence of the last box, or the last one of a long text."""
    found = boxes(text)
    if not found and len(text) <= 300:
        return text
    start, end = (found[-1][1], found[-1][2]) if found else (len(text.rstrip(" .\n")), len(text))
    return re.split(r"[.!?。\n]\s*", text[:start])[-1] + text[start:end] + re.split(r"[.!?。\n]", text[end:])[0]


def check_denial(reference, given, golds):
    """Raises Unparsable where the words beside an answer say that it is not it, and those of the reference do not."""
    asserted = any(isinstance(gold, (Relational, sympy.Set)) or hasattr(gold, "_unsorted_args") for gold in golds)
    reference, given = sentence_of(reference), sentence_of(given)
    spoken = re.compile(r"\\neq?(?![A-Za-z])|≠|!=").sub(" ", given) if asserted else given
    spoken = CORRECTED.sub(" ", spoken)
    ours, theirs = len(DENIAL.findall(reference)), len(DENIAL.findall(spoken))
    if theirs > ours or ours > 0 and len(DENIAL.findall(given)) == 0 and not asserted:
        raise Unparsable("a denial")
    if OTHERWISE.search(inner(given)) and not OTHERWISE.search(reference):
        raise Unparsable("words that make another number of the one beside them")


def variables_of(text, other):
    """The letters of a text that may be variables, as they are written: Math-Verify reads all of them as small ones."""
    text = inner(text).translate(TYPED)
    if "=" in text and "=" not in other:
        text = text.rsplit("=", 1)[1]
    bare = COMMAND.sub(" ", re.sub(r"\\(?:begin|end)\s*\{[^{}]*\}", " ", re.sub(r"\\(?:text|mbox|mathrm|textbf|mathbf|textit)\s*\{", " {", text)))
    longest = 3 if is_formula(text) else 2
    return {letter for run in re.findall(r"[A-Za-z]+", bare) if len(run) <= longest and run.lower() not in SMALL_WORDS | KNOWN_WORDS for letter in run}


def word_of(text):
    return re.sub(r"\\(?:text|mbox|mathrm|textbf)\s*|[{}$\s.]", "", inner(text))


def other_case(reference, given, gold, answer):
    """Whether a variable is a capital in one of two texts and small in the other."""
    words = word_of(reference), word_of(given)
    if words[0].isalpha() and words[0].lower() == words[1].lower():
        spoken = len(words[0]) >= 4 or words[0].lower() in SPOKEN or len(words[0]) == 3 and "\\text" in reference + given
        return words[0] != words[1] and not spoken
    names = [{letter for symbol in getattr(one, "free_symbols", ()) for letter in str(symbol).lower()} for one in (gold, answer)]
    ours, theirs = variables_of(reference, given), variables_of(given, reference)
    for name in names[0] & names[1]:
        left, right = ours & {name, name.upper()}, theirs & {name, name.upper()}
        if left and right and left != right:
            return True
    return False


def extracted(text):
    """What Math-Verify takes for the answer of a whole reply, as it stands there. Raises Unparsable."""
    if len(text) > LONGEST:
        raise Unparsable(f"longer than {LONGEST} characters")
    found = [one for one in parse(text, parsing_timeout=None) if isinstance(one, str)]
    answer = found[-1].strip() if found else ""
    if answer == "":
        raise Unparsable("nothing that Math-Verify extracts")
    # A percent sign behind it is in the value that it has computed, not in the text.
    return answer + "\\%" if re.search(re.escape(answer) + r"\s*\\?%(?!.*" + re.escape(answer) + ")", text, re.S) else answer


def compare(reference, given, golds, percent):
    """(outcome, why) of an answer, its reference being read already."""
    if len(given) > LONGEST:
        return "unparsable", f"longer than {LONGEST} characters"
    if plain(reference) == plain(given):
        return "right", None
    reference, given = condition(normal(reference)), condition(normal(given))
    try:
        check_denial(reference, given, golds)
        answers = read(given)
        check_one(given, golds)
    except Unparsable as error:
        return "unparsable", str(error)
    if all(is_many(answer) for answer in answers) and not any(values_in(gold) is not None or isinstance(gold, (Relational, sympy.Set)) or hasattr(gold, "_unsorted_args") for gold in golds):
        return "unparsable", "a list where one value is asked for"
    ours, theirs = letters_of(reference), letters_of(given)
    if ours is not None and theirs is not None:
        return ("right", None) if ours == theirs else ("wrong", None)
    if units.differ(reference, given):
        return "wrong", "another unit"
    if base_of(reference) != base_of(given):
        return "wrong", "another base"
    shapes = {brackets_of(reference), brackets_of(given)}
    if shapes == {"set", "round"} or "set" in shapes and (COMPARED.search(reference) or COMPARED.search(given)):
        return "wrong", "a set for a tuple or an interval"
    names = ASSIGNED.findall(given)
    if brackets_of(reference) == "round" and is_formula(given) and (len(set(names)) < len(names) or TWICE.search(given)):
        return "wrong", "two values of one variable for a tuple"
    if has_percent(reference) and not has_percent(given):
        golds = golds + [get_pct_val(gold) for gold in golds if get_pct_val(gold) is not None]
    why = None
    for gold, answer in product(golds, answers):
        if not verify(gold, answer, timeout_seconds=None):
            continue
        why = objection(gold, answer)
        if why is None and other_case(reference, given, gold, answer):
            why = "a variable in the other case"
        if why is None and gold is EmptySet or answer is EmptySet:
            why = None if re.search(r"emptyset|varnothing|∅|\\\{\s*\\\}", reference) and re.search(r"emptyset|varnothing|∅|\\\{\s*\\\}|no solution", given) else "an interval that is empty"
        if why is None and has_percent(given) and not has_percent(reference) and not percent:
            a, b = number_of(gold), number_of(answer)
            if a is not None and b is not None and far(a, b):
                why = "a percentage where a number is asked for"
        places = [decimals for decimals in (decimals_of(reference), decimals_of(given)) if decimals is not None]
        if why is None and len(places) == 1:
            a, b = number_of(gold), number_of(answer)
            # Beside an exact number, a decimal is right to its last place.
            if a is not None and b is not None and abs(a - b).evalf(30) > sympy.Float(10) ** -places[0]:
                why = "another decimal"
        if why is None:
            return "right", None
    return "wrong", why
