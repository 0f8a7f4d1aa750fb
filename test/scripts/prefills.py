"""What transformers makes of a turn that is already begun (`continue_final_message`), as JSON.

    pip install transformers jinja2
    python prefills.py ../fixtures > ../fixtures/templates/prefills.json

Every template of fixtures/templates, and the tokenizers of fixtures/tokenizers with their own, over beginnings as people force
them: a tag, a tag with a new line, words with a space behind, spaces around. A row has the template or the tokenizer, the system
text, the beginning and the `text` of the prompt, for tokenizers its `ids`, or `refused` where there was an error.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoTokenizer, PreTrainedTokenizerFast

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
QUESTION = "How many Äpfel (苹果) are 3 + 4?"
PREFILLS = ["<think>", "<think>\n", "The answer is", "The answer is ", "\nLet us see: 苹", "<think>\nok\n</think>\n\n<answer>"]


def rows_of(name, tokenizer, source=None, encoder=None):
    for system in ["", "You are brief."]:
        for prefill in PREFILLS:
            messages = [{"role": "system", "content": system}] if system else []
            messages += [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": prefill}]
            row = {"of": name, "system": system, "prefill": prefill}
            try:
                row["text"] = tokenizer.apply_chat_template(messages, chat_template=source, tokenize=False, continue_final_message=True)
                if encoder is not None:
                    row["ids"] = encoder.encode(row["text"], add_special_tokens=False).ids
            except Exception as error:  # whatever the template provokes is its refusal
                row["refused"] = type(error).__name__
            yield row


def main(fixtures):
    words = {token: id for id, token in enumerate(SPECIAL.values())}
    plain = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel(words, unk_token="<unk>")), **SPECIAL)
    rows = []
    for file in sorted(Path(fixtures, "templates").glob("*.jinja")):
        rows += rows_of(file.stem, plain, file.read_text(encoding="utf-8"))
    for name in ["llama-like", "qwen-like"]:
        folder = Path(fixtures, "tokenizers", name)
        rows += rows_of(name, AutoTokenizer.from_pretrained(folder), encoder=Tokenizer.from_file(str(folder / "tokenizer.json")))
    print(json.dumps({"special": SPECIAL, "question": QUESTION, "rows": rows}, ensure_ascii=False, indent=1))


main(*sys.argv[1:])
