"""What a program needs to be a full stage of r1: it says how far it is, keeps checkpoints, and hears that it is to stop.

    import sys
    import r1job

    job = r1job.Job()
    state = load(job.latest) if job.latest else fresh(job.seed)
    for step in range((job.latest_step or 0) + 1, steps + 1):
        loss = train(state)
        job.progress(step, steps)
        job.metric("loss", step, loss)
        if job.due(step):
            job.checkpoint(step, lambda folder: save(state, folder))
            if job.stopping:
                sys.exit(r1job.TRY_AGAIN)
    write_outputs(state)
    job.complete()

The same from a shell, or from any language that can start a program: `python3 -m r1job --help`.

It needs nothing but Python 3.8, and its folder may be copied beside the program that uses it. The README in it describes the
files that are written.
"""

from .context import JobError
from .job import TRY_AGAIN, Job

__all__ = ["Job", "JobError", "TRY_AGAIN"]
