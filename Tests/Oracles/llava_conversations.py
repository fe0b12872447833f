"""Writes Tests/Fixtures/llava: a file of LLaVA's published form, and what Python's json reads of it.

    python3 Tests/Oracles/llava_conversations.py Tests/Fixtures/llava

The form is that of docs/Finetune_Custom_Data.md of haotian-liu/LLaVA. The conversations are made up.
"""

import json
import pathlib
import sys

ENTRIES = r"""[
  {
    "id": "000000033471",
    "image": "coco/000000033471.jpg",
    "conversations": [
      {"from": "human", "value": "<image>\nWhat are the colors of the bus in the image?"},
      {"from": "gpt", "value": "The bus is white and red."},
      {"from": "human", "value": "Is it moving?"},
      {"from": "gpt", "value": "It stands at a stop, \"Platz der Einheit\"."},
      {"from": "human", "value": "And the people?"},
      {"from": "gpt", "value": "Two wait;\tone reads.\nNone gets on."}
    ]
  },
  {
    "id": "000000033471",
    "image": "coco/000000033471.jpg",
    "conversations": [
      {"from": "human", "value": "What feature can be seen on the back of the bus?\n<image>"},
      {"from": "gpt", "value": "An advertisement \u2014 \u00fcber Kaffee \ud83d\ude8c\u2615."}
    ],
    "model": "made up"
  },
  {
    "id": 17,
    "image": ["pairs/a.png", "pairs/b.png"],
    "conversations": [
      {"from": "human", "value": "Picture one: <image> and picture two: <image>. Which is larger?"},
      {"from": "gpt", "value": "The first one, e\u0301 voil\u00e0."}
    ]
  },
  {
    "id": "late",
    "image": ["pairs/c.png", "coco/000000033471.jpg"],
    "conversations": [
      {"from": "human", "value": "<image>\nDescribe it."},
      {"from": "gpt", "value": " A plain picture.  "},
      {"from": "human", "value": "And <image> beside it?"},
      {"from": "gpt", "value": "A bus\/coach."}
    ]
  },
  {
    "id": "text only",
    "conversations": [
      {"from": "human", "value": "What is 6 \u00d7 7?"},
      {"from": "gpt", "value": "42"}
    ]
  },
  {
    "id": "null image",
    "image": null,
    "conversations": [
      {"from": "human", "value": "Ⅷ, ﬁ and 日本語?"},
      {"from": "gpt", "value": "Eight, a ligature and Japanese."}
    ]
  },
  {
    "id": "alone",
    "image": "pairs/d.png",
    "conversations": [
      {"from": "human", "value": "<image>"},
      {"from": "gpt", "value": "a caption"}
    ]
  }
]
"""


def read(text: str) -> list[dict]:
    result = []
    for entry in json.loads(text):
        image = entry.get("image")
        images = [] if image is None else image if isinstance(image, list) else [image]
        turns = entry["conversations"]
        exchanges = [[turns[i]["value"], turns[i + 1]["value"]] for i in range(0, len(turns), 2)]
        result.append({"id": str(entry["id"]), "images": images, "exchanges": exchanges})
    return result


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
(folder / "conversations.json").write_text(ENTRIES, encoding="utf-8")
(folder / "read.json").write_text(json.dumps(read(ENTRIES), indent=1) + "\n", encoding="utf-8")
