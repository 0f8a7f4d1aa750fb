"""Supervised fine-tuning by TRL's SFTTrainer, on rows that r1 has put into tokens and in the order in which it would train on them."""

import json

from training import arguments, callback, load_model, load_tokenizer, prepare, run, scheduled, train


def main(stage, spec):
    import datasets
    import trl

    prepare(spec)
    with open(spec["rows"], encoding="utf8") as file:
        rows = [json.loads(line) for line in file]
    with open(spec["order"], encoding="utf8") as file:
        order = json.load(file)
    # What is not learned is no label: prompt and padding.
    data = datasets.Dataset.from_list(
        [{"input_ids": row["tokens"], "labels": [-100] * row["from"] + row["tokens"][row["from"] :]} for row in rows]
    ).select(order)
    ranks, micro = spec["ranks"], spec["microBatch"]
    args = arguments(
        trl.SFTConfig,
        spec,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=spec["batch"] // (ranks * micro),
        train_sampling_strategy="sequential",
        max_length=None,
        packing=False,
        include_num_input_tokens_seen="non_padding",
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    reporting = callback(stage, spec)
    trainer = scheduled(trl.SFTTrainer, spec)(
        model=load_model(spec["base"]),
        args=args,
        train_dataset=data,
        processing_class=load_tokenizer(spec["base"], "right"),
        callbacks=[reporting],
    )
    train(trainer, reporting, spec)


run(main)
