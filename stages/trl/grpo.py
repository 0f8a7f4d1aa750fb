"""Reinforcement learning by TRL's GRPOTrainer. Which questions are asked, and what a completion earns, is for r1 to say."""

import json
import os

from training import RANK, Refused, arguments, callback, load_model, load_tokenizer, prepare, run, scheduled, train

REFERENCE = "reference.pt"


def main(stage, spec):
    import datasets
    import torch
    import trl

    prepare(spec)
    with open(spec["prompts"], encoding="utf8") as file:
        prompts = [json.loads(line) for line in file]
    with open(spec["order"], encoding="utf8") as file:
        order = json.load(file)
    # A prompt is its number here: r1 has its tokens, and templates of two programs need not agree.
    data = datasets.Dataset.from_list([{"prompt": str(number), "place": place} for place, number in enumerate(order)])

    def reward(completion_ids, place, trainer_state, **_):
        rows = [{"place": each, "tokens": list(tokens)} for each, tokens in zip(place, completion_ids)]
        return stage.ask("rollout", step=trainer_state.global_step, rank=RANK, rows=rows)["rewards"]

    if not hasattr(trl.GRPOTrainer, "_tokenize_prompts"):
        raise Refused(f"TRL {trl.__version__} puts prompts into tokens in another way; this stage was made for TRL 1.16")

    class Asked(scheduled(trl.GRPOTrainer, spec)):
        def _tokenize_prompts(self, asked):
            return [prompts[int(number)] for number in asked], None, {}

    model = load_model(spec["policy"])
    model.generation_config.eos_token_id = spec["endIds"]
    ranks, micro = spec["ranks"], spec["microBatch"]
    accumulation = spec["questions"] * spec["group"] // (ranks * micro)
    is_synced = spec["referenceEvery"] > 0 and spec["klCoefficient"] > 0
    args = arguments(
        trl.GRPOConfig,
        spec,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulation,
        num_generations=spec["group"],
        steps_per_generation=spec["minibatches"] * accumulation,
        num_iterations=1,
        max_completion_length=spec["maxNewTokens"],
        temperature=spec["temperature"],
        top_p=1.0,
        top_k=0,
        beta=spec["klCoefficient"],
        epsilon=spec["clipLow"],
        epsilon_high=spec["clipHigh"],
        loss_type={"response-mean": "grpo", "token-mean": "dapo", "constant": "dr_grpo"}[spec["aggregate"]],
        importance_sampling_level=spec["ratio"],
        scale_rewards="group" if spec["divideByStd"] else "none",
        mask_truncated_completions=spec["maskTruncated"],
        sync_ref_model=is_synced,
        ref_model_mixup_alpha=1.0,
        ref_model_sync_steps=max(1, spec["referenceEvery"]),
        shuffle_dataset=False,
        remove_unused_columns=False,
    )

    def keep_reference(folder):
        # A trainer's checkpoint lacks the reference model, which has become another one.
        if is_synced and RANK == 0:
            torch.save(trainer.accelerator.unwrap_model(trainer.ref_model).state_dict(), os.path.join(folder, REFERENCE))

    def keep_snapshot(step):
        if step in spec["snapshots"]:
            folder = os.path.join(spec["work"], f"snapshot-{step}")
            trainer.save_model(folder)
            if RANK == 0:
                stage.ask("snapshot", step=step, folder=folder)

    reporting = callback(stage, spec, before_checkpoint=keep_reference, after_step=keep_snapshot)
    trainer = Asked(
        model=model,
        reward_funcs=[reward],
        args=args,
        train_dataset=data,
        processing_class=load_tokenizer(spec["policy"], "left"),
        callbacks=[reporting],
    )
    if spec["resume"] is not None and is_synced:
        kept = torch.load(os.path.join(spec["resume"], REFERENCE), map_location="cpu", weights_only=True)
        trainer.accelerator.unwrap_model(trainer.ref_model).load_state_dict(kept)
    train(trainer, reporting, spec)


run(main)
