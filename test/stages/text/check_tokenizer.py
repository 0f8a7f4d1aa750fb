"""Compares a tokenizer folder as Python's `tokenizers` reads it with the ids that TypeScript found.

Called by python.test.ts with the folder as argument; reads {"text": …, "ids": […]} lines from stdin, prints the number
of lines that agree and fails at the first that does not.
"""

import json
import sys

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(f"{sys.argv[1]}/tokenizer.json")
agreed = 0
for line in sys.stdin:
    row = json.loads(line)
    ids = tokenizer.encode(row["text"], add_special_tokens=False).ids
    if ids != row["ids"]:
        sys.exit(f"ids differ for {row['text']!r}: {ids} here, {row['ids']} there")
    back = tokenizer.decode(ids, skip_special_tokens=False)
    if back != row["decoded"]:
        sys.exit(f"text differs: {back!r} here, {row['decoded']!r} there")
    agreed += 1
print(agreed)
