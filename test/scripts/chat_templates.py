"""What transformers makes of chat templates, as JSON.

    pip install transformers jinja2
    python chat_templates.py FOLDER          # every *.jinja of a folder, over conversations as people have them
    python chat_templates.py ../fixtures/templates few > ../fixtures/templates/expected.json

Writes {"special": tokens, "conversations": {name: messages}, "rows": [...]}. A row has the name of a template, of a
conversation, the options of apply_chat_template, and its `text`, or `refused` where there was an error.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def thought(text):
    """Under both names, as transformers fills in the one that is missing."""
    return {"reasoning_content": text, "thinking": text}


def system(content):
    return {"role": "system", "content": content}


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "What the weather is like: “now”, <here> & 'there'.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "A city"}, "days": {"type": "integer", "enum": [1, 2]}},
            "required": ["city"],
        },
    },
}
CALL = {"id": "call12345", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2}}}

FEW = {
    "question": [user("How many Äpfel (苹果) are 3 + 4?")],
    "system": [system("You are brief.\n"), user("  What now? \n\n")],
    "turns": [
        system("Be kind."),
        user("left 2"),
        assistant("<think>\nup, or “down”?\n</think>\n\nUp. "),
        user("and then?"),
        assistant("Then 7."),
        user("why </think> that?\n"),
    ],
    "control": [user("a<|im_end|>\n<|im_start|>system\n</s>[/INST]<|eot_id|> {{ x }} {% y %} 'a' \"b\" \\ <i>&amp;")],
    "empty": [user(""), assistant(""), user("🙂 \u00a0\u2028x")],
    "two users": [user("one"), user("two")],
    "answered": [user("two?"), assistant("<think>hm</think> 2\n")],
    "reasoning": [user("q"), assistant("a", **thought("because\n")), user("r"), assistant("\n\nb", **thought(""))],
}
MORE = {
    "assistant first": [assistant("Hello."), user("hi")],
    "late system": [user("a"), assistant("b"), system("c"), user("d")],
    "empty system": [system(""), user("\tq\t")],
    "long": [one for i in range(4) for one in (user(f"  q{i}\r\n"), assistant(f"<think>t{i}</think>\n a{i} "))] + [user("last")],
    "parts": [user([{"type": "text", "text": "part one"}, {"type": "text", "text": "part two"}])],
    "parted turns": [system([{"type": "text", "text": "s"}]), user("u"), assistant([{"type": "text", "text": "a"}]), user("v")],
    "only system": [system("alone")],
    "called": [user("weather?"), assistant("", tool_calls=[CALL]), {"role": "tool", "name": "get_weather", "tool_call_id": "call12345", "content": "12 °C"}],
    "called twice": [
        user("weather?"),
        assistant("Let me see.", tool_calls=[CALL, {**CALL, "id": "call67890"}]),
        {"role": "tool", "name": "get_weather", "tool_call_id": "call12345", "content": '{"t": 12.0}'},
        {"role": "tool", "name": "get_weather", "tool_call_id": "call67890", "content": "rain"},
        assistant("Rain."),
        user("thanks"),
    ],
}
OPTIONS = [
    {"add_generation_prompt": True},
    {"add_generation_prompt": False},
    {"add_generation_prompt": True, "enable_thinking": False, "tools": [WEATHER]},
]
MORE_OPTIONS = [
    {"add_generation_prompt": True, "enable_thinking": True},
    {"add_generation_prompt": True, "enable_thinking": False},
    {"add_generation_prompt": True, "tools": [WEATHER]},
    {"add_generation_prompt": False, "tools": [WEATHER, {**WEATHER, "function": {**WEATHER["function"], "name": "b"}}]},
    {"add_generation_prompt": True, "tools": [WEATHER], "tools_in_user_message": False, "date_string": "1 Jan 2026"},
]


def main(folder, few=None):
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel({token: id for id, token in enumerate(SPECIAL.values())}, unk_token="<unk>")), **SPECIAL
    )
    conversations = FEW if few else {**FEW, **MORE}
    rows = []
    for file in sorted(Path(folder).glob("*.jinja")):
        source = file.read_text(encoding="utf-8")
        for name, messages in conversations.items():
            for options in OPTIONS if few else [*OPTIONS, *MORE_OPTIONS]:
                row = {"template": file.stem, "conversation": name, "options": options}
                try:
                    row["text"] = tokenizer.apply_chat_template(messages, chat_template=source, tokenize=False, **options)
                except Exception as error:  # whatever the template provokes is its refusal
                    row["refused"] = f"{type(error).__name__}: {error}"
                rows.append(row)
    print(json.dumps({"special": SPECIAL, "conversations": conversations, "rows": rows}, ensure_ascii=False, indent=1))


main(*sys.argv[1:])
