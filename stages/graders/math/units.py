"""Units of measure behind a number: which ones an answer names, and whether two answers name different ones."""

import re

# Every way to write a unit → one name for it. Words that are not here say nothing: 5 apples may be 5 pieces of fruit.
NAMES = {
    "mm": "mm millimeter millimeters millimetre millimetres",
    "cm": "cm centimeter centimeters centimetre centimetres cms",
    "m": "m meter meters metre metres",
    "km": "km kilometer kilometers kilometre kilometres kms",
    "in": "inch inches",
    "ft": "ft foot feet",
    "yd": "yd yard yards",
    "mi": "mi mile miles",
    "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "yr yrs year years",
    "mg": "mg milligram milligrams",
    "g": "g gram grams",
    "kg": "kg kilogram kilograms kgs",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "t": "ton tons tonne tonnes",
    "ml": "ml milliliter milliliters millilitre millilitres",
    "l": "l liter liters litre litres",
    "gal": "gal gallon gallons",
    "$": "$ dollar dollars usd bucks",
    "¢": "¢ cent cents",
    "€": "€ euro euros eur",
    "£": "£ gbp",
    "¥": "¥ yen yuan rmb",
    "mph": "mph",
    "km/h": "kph kmh",
    "deg": "degree degrees",
    "rad": "rad rads radian radians",
}
NAME_OF = {word: name for name, words in NAMES.items() for word in words.split()}

NUMBER = r"(?:[\d)}\]]|\\pi|\\circ)"
WORD = r"[A-Za-z$€£¥¢]+"
UNIT = re.compile(
    rf"(?P<before>{NUMBER})[\s~,\\;!]*(?:\\(?:text|mbox|mathrm|textbf|,|;)\s*)?\{{?\s*"
    rf"(?P<square>sq\.?|square|cubic)?\s*(?P<word>{WORD})\.?\s*\}}?\s*"
    r"(?:\^?\{?(?P<power>[23])\}?)?(?:\s*(?:/|per|\\text\s*\{\s*per)\s*(?:\\(?:text|mathrm)\s*\{)?(?P<per>[A-Za-z]+))?\s*\}*[\s$.)\\\]]*$"
)
DEGREES = re.compile(r"\d\s*\}?\s*\^\s*\{?\s*\\circ\s*\}?\s*[\s$.)\\\]]*$|\d\s*°\s*$")


def is_unit(word):
    return word.lower() in NAME_OF


def tidy(text):
    """The end of the last box, or of the text."""
    at = text.rfind("\\boxed{")
    if at != -1:
        depth = 0
        for end in range(at + len("\\boxed"), len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                return text[at + len("\\boxed{"):end].strip()
    text = text.strip()
    inside = re.fullmatch(r"\$\$?([^$]*)\$\$?|\\[(\[](.*)\\[)\]]", text, re.S)
    return text if inside is None else (inside.group(1) or inside.group(2) or "").strip()


def unit_of(text):
    """The unit behind the number at the end of a text, as (name, power, per); None where there is none that is known."""
    text = tidy(text).rstrip(". ")
    if DEGREES.search(text):
        return ("deg", 1, None)
    currency = re.match(r"^\\?([$€£¥])\s*\d[\d,.]*\s*$", text)
    if currency:
        return (currency.group(1), 1, None)
    match = UNIT.search(text)
    if match is None:
        return None
    word = match.group("word")
    name = NAME_OF.get(word.lower())
    if name is None:
        return None
    power = int(match.group("power") or {"s": 2, "c": 3}.get((match.group("square") or "x")[0], 1))
    per = match.group("per")
    return (name, power, None if per is None else NAME_OF.get(per.lower(), per.lower()))


def split(text):
    """A text without the known unit at its end, and whether there was one."""
    match = re.fullmatch(rf"(.*[\d.)])\s*(?:(?:sq\.?|square|cubic)\s+)?({WORD})\.?(?:\^?[23])?", text.strip(), re.S)
    if match is not None and is_unit(match.group(2)):
        return match.group(1), True
    return text, False


def differ(reference, given):
    """Whether both name a unit, and not the same one. 100 cm and 1 m are two answers to Math-Verify, too."""
    ours, theirs = unit_of(reference), unit_of(given)
    return ours is not None and theirs is not None and ours != theirs
