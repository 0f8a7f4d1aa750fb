"""Reads pickles that hold plain data and nothing else: no class, no function, no extension is ever looked up, so that none is called.

Each line of standard input is a JSON text: base64 of what zlib made of a pickle, which holds one text. Each line of standard output is
its answer: {"text": …}, or {"error": …} with what came of it.
"""

import base64
import binascii
import io
import json
import pickle
import sys
import zlib

MOST = 256 * 2**20


class PlainUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError("it names %s.%s, and plain data names nothing" % (module[:40], name[:40]))

    def persistent_load(self, name):
        raise pickle.UnpicklingError("it names something outside of itself")


def text_in(packed):
    squeezed = base64.b64decode(packed, validate=True)
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(squeezed, MOST)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise ValueError("it is cut off, or larger than %d MiB" % (MOST >> 20))
    text = PlainUnpickler(io.BytesIO(data)).load()
    if type(text) is not str:
        raise ValueError("it holds a %s where a text should be" % type(text).__name__)
    return text


for line in sys.stdin.buffer:
    try:
        answer = {"text": text_in(json.loads(line))}
    except MemoryError:
        answer = {"error": "it takes too much memory"}
    except (binascii.Error, zlib.error, pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, EOFError,
            AttributeError, OverflowError, RecursionError, UnicodeError) as error:
        answer = {"error": "%s: %s" % (type(error).__name__, str(error)[:200])}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
