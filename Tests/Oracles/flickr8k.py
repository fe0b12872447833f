"""Writes Tests/Fixtures/metrics/flickr8k.json: what pycocoevalcap makes of Flickr8k's captions.

    python Tests/Oracles/flickr8k.py captions.txt > Tests/Fixtures/metrics/flickr8k.json

captions.txt is Kaggle's, with five captions an image. Needs pycocoevalcap and Java. No caption is
written: tokens are kept as digests, scores as values of the whole set.
"""
import csv
import json
import os
import sys

from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from pycocoevalcap_scores import scores, split

BLOCK = 500


def fnv1a(text):
    digest = 0xCBF29CE484222325
    for byte in text.encode():
        digest = (digest ^ byte) * 0x100000001B3 % (1 << 64)
    return format(digest, "x")


def main(path):
    # Java takes its character set from the locale.
    os.environ["LC_ALL"] = "C.UTF-8"
    captions = {}
    with open(path, encoding="utf-8", newline="") as file:
        for image, caption in list(csv.reader(file))[1:]:
            captions.setdefault(image, []).append({"caption": caption})
    lines = [line for group in PTBTokenizer().tokenize(captions).values() for line in group]
    blocks = [lines[first : first + BLOCK] for first in range(0, len(lines), BLOCK)]
    references, candidates = split(captions, 5000)
    golden = {
        "captions": len(lines),
        "block": BLOCK,
        "digests": [fnv1a("\n".join(block)) for block in blocks],
        "images": len(references),
        "corpus": scores(references, candidates, ["bleu", "meteor", "rouge_l", "cider_d"]),
    }
    json.dump(golden, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
