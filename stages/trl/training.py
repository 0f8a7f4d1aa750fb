"""What the trainers of TRL have in common here: set-up, checks, and the callback that makes them full stages of r1."""

import dataclasses
import json
import math
import os
import sys
import traceback

from client import Stage

RANK = int(os.environ.get("RANK", "0"))
RANKS = int(os.environ.get("WORLD_SIZE", "1"))


class Refused(Exception):
    """What a person can mend, as a sentence; it ends the stage as its reason."""


def run(main):
    """Calls `main(stage, spec)` with what the stage has written down for it, and tells the stage why where that fails."""
    stage = Stage()
    with open(sys.argv[1], encoding="utf8") as file:
        spec = json.load(file)
    try:
        _check_ranks(spec)
        main(stage, spec)
    except Refused as error:
        stage.ask("failure", message=str(error))
        sys.exit(1)
    except Exception as error:
        traceback.print_exc()
        stage.ask("failure", message=f"{type(error).__name__}: {error}")
        sys.exit(1)


def _check_ranks(spec):
    # accelerate launch --cpu runs a single process without a word. A model would come out, of other batches than those asked for.
    if RANKS != spec["ranks"]:
        raise Refused(f"{spec['ranks']} ranks are to train together, and there are {RANKS}")
    # accelerate reads these, and leaves FSDP out on a CPU without a word.
    sharding = sorted(name for name in os.environ if name.startswith("ACCELERATE_USE_"))
    if sharding:
        raise Refused(f"{', '.join(sharding)} is set for this node: its ranks hold whole copies of the model, so leave it out of env")


def prepare(spec):
    """Makes torch compute the same bytes each time; to be called before a model is loaded."""
    import datasets
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    torch.set_num_threads(spec["threads"])
    # Not every kernel of a GPU has a deterministic form; where there is none, torch says so in the log.
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())


def arguments(config_class, spec, **ours):
    """
    The configuration of a trainer: what r1 decides, what both trainers have in common, and what a person adds.

    Raises Refused where a person's setting is r1's own, or has no meaning to this TRL.
    """
    import torch

    common = {
        "output_dir": spec["work"],
        "max_steps": spec["steps"],
        "learning_rate": spec["learningRate"],
        "weight_decay": spec["weightDecay"],
        "adam_beta2": spec["beta2"],
        "optim": "adamw_torch",
        "max_grad_norm": 1.0,
        "bf16": spec["precision"] == "bf16",
        "fp16": False,
        "seed": spec["seed"] % 2**32,
        "data_seed": spec["seed"] % 2**32,
        "use_cpu": not torch.cuda.is_available(),
        # r1 says when there is a checkpoint.
        "save_strategy": "no",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": [],
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        # Every weight takes part in every pass; to look for others would take time.
        "ddp_find_unused_parameters": False,
    }
    names = {field.name for field in dataclasses.fields(config_class)}
    # Its name before transformers 5.
    checkpointing = "activation_checkpointing" if "activation_checkpointing" in names else "gradient_checkpointing"
    own = {**common, **ours, checkpointing: spec["activationCheckpointing"] == "on"}
    lacking = sorted(set(own) - names)
    if lacking:
        import trl

        raise Refused(f"TRL {trl.__version__} has no {', '.join(lacking)} in its {config_class.__name__}; this stage was made for TRL 1.16")
    theirs = spec["config"]
    sharding = sorted(name for name in theirs if name in ("deepspeed", "parallelism_config", "accelerator_config") or name.startswith("fsdp"))
    if sharding:
        raise Refused(f"config.{sharding[0]}: ranks hold whole copies of the model here; sharding it has not been tried, and on a CPU accelerate leaves it out without a word")
    taken = sorted(set(theirs) & set(own))
    if taken:
        raise Refused(f"config.{taken[0]} is set by the stage itself: leave it out, and see which of the stage's params it follows (r1 params)")
    unknown = sorted(set(theirs) - names)
    if unknown:
        raise Refused(f"config.{unknown[0]}: {config_class.__name__} of this TRL has no such setting")
    return config_class(**own, **theirs)


def load_model(folder):
    """A causal language model in float32, all of its weights from the folder."""
    import torch
    import transformers

    model, said = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True, output_loading_info=True)
    wrong = [f"{what.replace('_', ' ')}: {', '.join(map(str, sorted(said[what])[:3]))}" for what in ("missing_keys", "unexpected_keys", "mismatched_keys") if said.get(what)]
    if wrong:
        raise Refused(f"transformers reads another model than r1 out of the folder ({'; '.join(wrong)})")
    return model


def load_tokenizer(folder, padding_side):
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.padding_side = padding_side
    if tokenizer.pad_token_id is None:
        # Never looked at: attention and loss leave padding out.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def scheduled(trainer_class, spec):
    """The trainer with the schedule of r1's own stages, so that both take the same steps."""

    class Scheduled(trainer_class):
        def create_scheduler(self, num_training_steps, optimizer=None):
            from torch.optim.lr_scheduler import LambdaLR

            if self.lr_scheduler is None:
                self.lr_scheduler = LambdaLR(optimizer if optimizer is not None else self.optimizer, lambda step: share_of_peak(spec, step))
            return self.lr_scheduler

    return Scheduled


def share_of_peak(spec, step):
    """The learning rate of a step, counted from 0, as a share of its peak: `stages/train/learning-rate.ts`."""
    warmup, steps = spec["warmup"], spec["steps"]
    if step < warmup:
        return (step + 1) / warmup
    if spec["schedule"] == "constant":
        return 1.0
    progress = min(1.0, (step - warmup) / max(1, steps - 1 - warmup))
    return 0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2


def callback(stage, spec, before_checkpoint=None, after_step=None):
    """
    Makes a trainer of Hugging Face a full stage: rank 0 tells and asks the stage, and all ranks do what it says.

    Args:
        before_checkpoint: called by all ranks with the folder of a checkpoint, to put more into it
        after_step: called by all ranks with the number of a step, counted from 1
    """
    from transformers import TrainerCallback

    class Reporting(TrainerCallback):
        is_stopped = False

        def on_step_end(self, args, state, control, **_):
            if after_step is not None:
                after_step(state.global_step)
            answer = _agreed(stage, "step", step=state.global_step)
            control.should_save = answer["checkpoint"]
            control.should_training_stop = control.should_training_stop or answer["end"]
            return control

        def on_log(self, args, state, control, logs=None, **_):
            # At its end a trainer says once more how long all took, without a loss of its own.
            if logs and "loss" in logs:
                numbers = {name: value for name, value in logs.items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
                _agreed(stage, "logged", step=state.global_step, logs=numbers)

        def on_save(self, args, state, control, **_):
            folder = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
            if before_checkpoint is not None:
                before_checkpoint(folder)
            _barrier()  # All have put their random numbers into it.
            answer = _agreed(stage, "checkpoint", step=state.global_step, folder=folder)
            if answer["stop"]:
                self.is_stopped = True
                control.should_training_stop = True
            return control

    return Reporting()


def train(trainer, reporting, spec):
    """Trains from the checkpoint, if there is one, and saves the model unless it was stopped."""
    if trainer.accelerator.num_processes != spec["ranks"]:
        raise Refused(f"{spec['ranks']} ranks are to train together, and accelerate runs {trainer.accelerator.num_processes}")
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)  # Curves are kept elsewhere; the log is for what goes wrong.
    trainer.train(resume_from_checkpoint=spec["resume"])
    if not reporting.is_stopped:
        trainer.save_model(spec["model"])


def distributed():
    """`torch.distributed` where several ranks train together, else None."""
    module = sys.modules.get("torch.distributed")
    return module if RANKS > 1 and module is not None and module.is_available() and module.is_initialized() else None


def _barrier():
    module = distributed()
    if module is not None:
        module.barrier()


def _agreed(stage, what, **words):
    """What the stage answers rank 0, told to all."""
    answers = [stage.ask(what, **words) if RANK == 0 else None]
    module = distributed()
    if module is not None:
        module.broadcast_object_list(answers, src=0)
    return answers[0]
