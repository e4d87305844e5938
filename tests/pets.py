"""A small task, ``pets``, in a user's own project."""

import json


def written(home, splits, prompt, more=""):
    """``splits`` are rows of (text, label) by name; ``prompt`` is the template ``plain``; ``more`` goes into the
    task.yaml."""
    folder, prompts = home / "tasks" / "pets", home / "prompts" / "pets"
    for made in (folder, prompts):
        made.mkdir(parents=True)
    for split, rows in splits.items():
        width = len(str(len(rows) - 1))
        lines = (
            json.dumps({"id": f"{split}-{place:0{width}}", "text": f"{split} {text}", "label": label})
            for place, (text, label) in enumerate(rows)
        )
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "task.yaml").write_text(
        f"kind: classification\ninputs: [text]\ntarget: label\nid: id\nlabels: [cat, dog]\n{more}"
        "splits: {train: train.jsonl, test: test.jsonl}\n"
    )
    (prompts / "plain.j2").write_text(prompt)
