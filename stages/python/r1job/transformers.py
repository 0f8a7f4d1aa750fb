"""A callback for trainers of Hugging Face (transformers, TRL): progress, metrics, checkpoints and stopping in order.

    from r1job.transformers import callback

    job = r1job.Job()
    args = SFTConfig(output_dir="trainer", save_strategy="no", logging_steps=1, report_to=[], disable_tqdm=True, ...)
    trainer = SFTTrainer(..., args=args, callbacks=[callback(job)])
    trainer.train(resume_from_checkpoint=job.latest)
    if job.stopping:
        sys.exit(r1job.TRY_AGAIN)
    trainer.save_model(...)
    job.complete()

`save_strategy="no"` leaves it to r1 when there is a checkpoint; whatever the trainer saves besides is kept, too. The trainer
itself is imported by whoever calls `callback`, not before.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence

from .job import Job

if TYPE_CHECKING:
    from transformers import TrainerCallback

#: Names of the trainer → names that r1's own stages have for the same. Others stay as they are.
METRICS: Mapping[str, str] = {"loss": "loss", "grad_norm": "gradNorm", "learning_rate": "learningRate"}

# What a trainer logs once, at its end, of itself.
SUMMARY = ("train_", "total_flos", "epoch")


def callback(job: Job, metrics: Optional[Mapping[str, str]] = None, boundary: int = 1, move: bool = True) -> TrainerCallback:
    """
    Args:
        metrics: the only ones that are reported, by the trainer's name, with the name that they get; without it, all numbers
        boundary: checkpoints are written, and training stops, at multiples of so many steps alone. TRL's GRPO goes on with the
            same bytes only from the end of a rollout: `num_iterations * steps_per_generation` steps, in units of the optimizer
        move: takes the trainer's own `checkpoint-N` away instead of copying it; not to be had with `load_best_model_at_end`
    """
    from transformers import TrainerCallback

    class R1Callback(TrainerCallback):
        is_wanted = False

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            step = state.global_step
            job.progress(step, state.max_steps, getattr(state, "num_input_tokens_seen", 0) or None)
            is_stop, is_due = _agreed([job.stopping, job.due(step)], args)
            self.is_wanted = self.is_wanted or is_due
            if step % boundary == 0:
                control.should_save = control.should_save or self.is_wanted
                control.should_training_stop = control.should_training_stop or is_stop
                self.is_wanted = False
            return control

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            distributed = _distributed()
            if distributed is not None:
                # The others put their random numbers, or their shards, into the folder.
                distributed.barrier()
            step = state.global_step
            job.checkpoint_folder(step, os.path.join(args.output_dir, "checkpoint-%d" % step), move=move)

        def on_log(self, args: Any, state: Any, control: Any, logs: Optional[Mapping[str, Any]] = None, **_: Any) -> None:
            for name, value in (logs or {}).items():
                if not isinstance(value, (int, float)) or isinstance(value, bool):
                    continue
                if metrics is not None and name in metrics:
                    job.metric(metrics[name], state.global_step, value)
                elif metrics is None and not name.startswith(SUMMARY):
                    job.metric(METRICS.get(name, name), state.global_step, value)

    return R1Callback()


def _distributed() -> Any:
    """`torch.distributed` where several processes train together. What has not been imported has started none."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed if distributed.get_world_size() > 1 else None


def _agreed(flags: Sequence[bool], args: Any) -> List[bool]:
    """True everywhere where it is true in one process: if one stopped a step earlier, the others would wait for it without end."""
    distributed = _distributed()
    if distributed is None:
        return list(flags)
    import torch

    told = torch.tensor([int(flag) for flag in flags], device=args.device)
    distributed.all_reduce(told, op=distributed.ReduceOp.MAX)
    return [bool(flag) for flag in told.tolist()]
