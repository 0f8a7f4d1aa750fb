"""The way back to the stage: a trainer is started by a process of r1, tells it what happens and asks it what to do."""

import http.client
import json
import math
import os
import sys


class Stage:
    """The stage that has started this process; each rank has one."""

    def __init__(self):
        host, _, port = os.environ["R1_TRAINER_ADDRESS"].rpartition(":")
        self._place = (host, int(port))
        self._token = os.environ["R1_TRAINER_TOKEN"]

    def ask(self, what, **words):
        """
        Sends a message and waits for its answer, however long that takes: rewards may be given by programs and judges.

        Raises SystemExit where the stage has no answer: then it has failed, was stopped or is gone, and so is the reason for this process.
        """
        body = json.dumps(_plain(words), allow_nan=False).encode()
        connection = http.client.HTTPConnection(*self._place)
        try:
            connection.request("POST", f"/{what}", body, {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            sys.exit(f"the process of r1 that has started this trainer cannot be reached: {error}")
        finally:
            connection.close()
        if answer.status != 200:
            # It has its reason already, and ends all ranks.
            sys.exit(f"r1 ends the training: {text.decode()}")
        return json.loads(text)


def _plain(value):
    """JSON has no NaN; a loss that is none is to be told all the same."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
