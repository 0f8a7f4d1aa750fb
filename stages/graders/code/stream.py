"""Runs a whole program that reads standard input: first its length and the program itself, then what it is to read.

File descriptor 3 says how compiling it went, and is closed before the program runs.
"""

import os
import random
import sys


def take(count):
    pieces = []
    while count > 0:
        piece = os.read(0, count)
        if not piece:
            break
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def compiled():
    source = take(int(take(13))).decode("utf-8", "surrogatepass")
    try:
        code, said = compile(source, "<program>", "exec"), "compiled"
    except SyntaxError as error:
        code, said = None, "syntax error: line %s: %s" % (error.lineno, error.msg)
    except (ValueError, MemoryError, RecursionError) as error:
        code, said = None, "syntax error: %s: %s" % (type(error).__name__, error)
    os.write(3, said.encode("utf-8", "replace") + b"\n")
    os.close(3)
    return code


def run(code):
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["program.py"]
    random.seed(0)
    exec(code, module.__dict__)


code = compiled()
if code is not None:
    run(code)
