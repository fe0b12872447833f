"""Scores COCO files with pycocoevalcap, the program that `dragoman score` is measured against.

    python Tests/Oracles/pycocoevalcap_scores.py make captions.txt 5000 references.json candidates.json
    python Tests/Oracles/pycocoevalcap_scores.py score references.json candidates.json [METRIC ...]

`make` takes Flickr8k's captions.txt (Kaggle's form, five captions an image): four captions of each
image are references, the fifth is the candidate. For more images than there are it goes round again
with new ids. `score` prints the corpus values of bleu, meteor, rouge_l, cider_d or those asked for.
Needs pycocoevalcap and Java.
"""
import contextlib
import csv
import io
import json
import os
import sys


def split(captions, images):
    """References and candidate of the first images: captions 1 to 4, and the fifth."""
    references = {image: group[:-1] for image, group in list(captions.items())[:images]}
    return references, {image: captions[image][-1:] for image in references}


def make(path, images, references, candidates):
    captions = {}
    with open(path, encoding="utf-8", newline="") as file:
        for image, caption in list(csv.reader(file))[1:]:
            captions.setdefault(image, []).append(caption)
    groups = list(captions.values())
    chosen = [groups[index % len(groups)] for index in range(int(images))]
    annotations = [
        {"image_id": index, "id": 5 * index + number, "caption": caption}
        for index, group in enumerate(chosen)
        for number, caption in enumerate(group[:-1])
    ]
    with open(references, "w") as file:
        ids = [{"id": index} for index in range(len(chosen))]
        json.dump({"images": ids, "annotations": annotations}, file)
    with open(candidates, "w") as file:
        json.dump([{"image_id": i, "caption": g[-1]} for i, g in enumerate(chosen)], file)


def scores(references, candidates, metrics):
    """Corpus values by pycocoevalcap's names, as its COCOEvalCap computes them."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    # Java takes its character set from the locale.
    os.environ["LC_ALL"] = "C.UTF-8"
    with contextlib.redirect_stdout(io.StringIO()):
        gts = PTBTokenizer().tokenize(references)
        res = PTBTokenizer().tokenize(candidates)
        values = {}
        if "bleu" in metrics:
            bleu = Bleu(4).compute_score(gts, res)[0]
            values.update({f"Bleu_{n + 1}": value for n, value in enumerate(bleu)})
        if "meteor" in metrics:
            values["METEOR"] = Meteor().compute_score(gts, res)[0]
        if "rouge_l" in metrics:
            values["ROUGE_L"] = float(Rouge().compute_score(gts, res)[0])
        if "cider_d" in metrics:
            values["CIDEr"] = float(Cider().compute_score(gts, res)[0])
    return values


def score(references, candidates, *metrics):
    gts = {}
    with open(references) as file:
        for annotation in json.load(file)["annotations"]:
            gts.setdefault(annotation["image_id"], []).append(annotation)
    with open(candidates) as file:
        res = {result["image_id"]: [result] for result in json.load(file)}
    wanted = list(metrics) or ["bleu", "meteor", "rouge_l", "cider_d"]
    print(json.dumps(scores(gts, {image: res[image] for image in gts}, wanted), indent=1))


if __name__ == "__main__":
    {"make": make, "score": score}[sys.argv[1]](*sys.argv[2:])
