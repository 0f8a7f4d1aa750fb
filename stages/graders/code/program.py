"""Runs a model's program and calls its function when the tests ask for it. Follows values.py in one source.

Nothing here is secret, and nothing that this process says is believed: it sends values, and the process that has the tests compares
them. Standard input: first the job, then a request a line. Standard output: an answer a line.
"""

import json
import os
import random
import sys

MOST_BYTES = 8 * 2**20


def main():
    requests = os.fdopen(os.dup(0), "rb")
    channel = os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # What the program prints is read, counted and thrown away.
    own, write, dumps, getpid, leave = os.getpid(), os.write, json.dumps, os.getpid, os._exit

    def send(message):
        if getpid() != own:
            leave(0)  # A child that the program left behind in the middle of a call.
        data = dumps(message).encode() + b"\n"
        if len(data) > MOST_BYTES:
            data = dumps({"id": message.get("id"), "unportable": "more than %d MiB of data" % (MOST_BYTES >> 20)}).encode() + b"\n"
        view = memoryview(data)
        while view:
            view = view[write(channel, view):]

    def raised(error, **also):
        names = [each.__name__ for each in type(error).__mro__ if each.__module__ == "builtins"]
        try:
            text = str(error)[:300]
        except BaseException:
            text = ""
        number = error.errno if isinstance(error, OSError) else None
        send({**also, "raised": names, "class": type(error).__name__, "errno": number, "text": text})

    job = json.loads(requests.readline())
    try:
        # Each by itself, as `from __future__` has to stand first in the program, too.
        codes = [compile(job["prelude"], "<prelude>", "exec"), compile(job["program"], "<program>", "exec")]
    except SyntaxError as error:
        return send({"syntax": "line %s: %s" % (error.lineno, error.msg)})
    except (ValueError, MemoryError, RecursionError) as error:
        return send({"syntax": "%s: %s" % (type(error).__name__, error)})
    send({"compiled": True})

    module = type(sys)("program")
    sys.modules["program"] = module
    random.seed(0)
    try:
        for code in codes:
            exec(code, module.__dict__)
        owner, _, method = job["entry"].rpartition(".")
        if not callable(getattr(getattr(module, owner), method, None) if owner else getattr(module, method, None)):
            raise AttributeError
    except AttributeError as error:
        if type(error) is AttributeError and not error.args:
            return send({"missing": True})
        return raised(error)
    except BaseException as error:
        return raised(error)
    send({"ready": True})

    for line in requests:
        request = json.loads(line)
        decoder = Decoder()
        arguments = decoder.decode(request["arguments"])
        named = decoder.decode(request["named"])
        before = {number: snapshot(value) for number, value in decoder.known.items()}
        try:
            # LeetCode's way: a method of a class, called on a new object each time.
            function = getattr(getattr(module, owner)(), method) if owner else getattr(module, method)
            value = function(*arguments, **named)
            changed = [number for number, held in decoder.known.items() if not same(before[number], snapshot(held))]
            shared = {id(held): number for number, held in decoder.known.items()} if request["shared"] else None
            encoder = Encoder(shared)
            message = {
                "id": request["id"],
                "value": encoder.encode(value),
                "changed": bool(changed),
                "changes": [[number, *encoder.content(decoder.known[number])] for number in changed] if shared else [],
            }
        except Unportable as error:
            send({"id": request["id"], "unportable": str(error)})
        except BaseException as error:
            value = None
            raised(error, id=request["id"])
        else:
            send(message)


def snapshot(value):
    return [each for pair in value.items() for each in pair] if type(value) is dict else list(value)


def same(one, other):
    return len(one) == len(other) and all(
        a is b or (type(a) is type(b) and type(a) in (int, float, str, bool, bytes) and a == b) for a, b in zip(one, other)
    )


main()
