"""Selecting demonstrations from a million examples: python bench/selection.py [--size N] [--only NAME,…]

Each selector indexes the pool cold, in a process of its own, and is asked by a fresh one that reads the index back from
disk: 1,000 items in batches, the leak check included, one item in ten being of the pool itself. ``lsa`` has 128
dimensions; ``words`` stands for an encoder: means of word vectors of 384 dimensions, which cost little to make.
Recall is of the 10 exact neighbours of the items asked about, beside the one that the index measured on the pool.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from harness.models.embed import Embedder
from harness.prompt.selectors import Selection, create, knn
from harness.results.vault import Vault
from harness.types import Example, Signature

ASKED, BATCHES, SHOTS, NEIGHBOURS = 1000, (64, 256), 5, 10
TOPICS, FIELDS, WORDS, LABELS = 2000, 50, 20, 10  # words of each topic
COMMON = ("the", "of", "a", "to", "in", "and", "is", "for", "on", "that", "it", "with", "as", "was", "at", "by", "be")
ONSETS, VOWELS = [*"bdfgklmnprstv", "br", "dr", "fl", "gr", "pr", "st", "tr"], [*"aeiou"]
CODAS = ["", "n", "r", "l", "st"]
SELECTORS = {
    "knn-lsa-exact": ("knn", {}),
    "knn-lsa-ann": ("knn", {"index": "ann"}),
    "knn-words-exact": ("knn", {"embedder": "words"}),
    "knn-words-ann": ("knn", {"embedder": "words", "index": "ann"}),
    "knn-balanced-lsa-exact": ("knn-balanced", {}),
    "bm25": ("bm25", {}),
    "balanced-per-item": ("balanced", {"draw": "per-item"}),
}


@cache
def vocabulary() -> list[str]:
    """Made-up words of two to four syllables, ``WORDS`` for each topic."""
    rng = np.random.default_rng(1)
    syllables = [onset + vowel + coda for onset in ONSETS for vowel in VOWELS for coda in CODAS]
    made: dict[str, None] = {}
    while len(made) < TOPICS * WORDS:
        made["".join(syllables[i] for i in rng.integers(len(syllables), size=rng.integers(2, 5)))] = None
    return list(made)


def texts(count: int, seed: int) -> list[tuple[str, int]]:
    """Texts of 6 to 20 words with their topics. A word is a common one as often as in English; of the text's topic; of
    another topic of the same field; or of any. Topics and words are as uneven as in nature (Zipf's law)."""
    rng, known = np.random.default_rng(seed), np.array([*vocabulary(), *COMMON], dtype=object)
    spread = np.random.default_rng(2).permutation(TOPICS * WORDS)
    made = []
    for start in range(0, count, 50_000):
        n = min(50_000, count - start)
        shape, kind = (n, 20), rng.random((n, 20))
        topic = zipf(rng, TOPICS, n)
        field = topic % FIELDS + FIELDS * zipf(rng, TOPICS // FIELDS, shape).T
        own, near = (each.T * WORDS + zipf(rng, WORDS, shape) for each in (np.broadcast_to(topic, shape[::-1]), field))
        common = TOPICS * WORDS + zipf(rng, len(COMMON), shape)
        words = np.select(
            [kind < 0.35, kind < 0.65, kind < 0.85], [common, own, near], spread[zipf(rng, len(spread), shape)]
        )
        for row, length, each in zip(words, rng.integers(6, 21, size=n), topic, strict=True):
            made.append((" ".join(known[row[:length]]), int(each)))
    return made


def zipf(rng: np.random.Generator, n: int, shape):
    """Numbers below ``n``, each i drawn in proportion to 1 / (i + 1)."""
    shares = np.cumsum(1 / np.arange(1, n + 1))
    return np.searchsorted(shares, rng.random(shape) * shares[-1])


def examples(count: int, seed: int, name: str) -> list[Example]:
    rows = enumerate(texts(count, seed))
    return [Example(f"{name}{i:07}", {"text": text}, f"label-{topic % LABELS}") for i, (text, topic) in rows]


class WordVectors(Embedder):
    """Means of word vectors: each word's own, mixed with its topic's; common words weigh little."""

    def fit(self, texts):
        if self.name == "lsa":
            return super().fit(texts)
        return self.load(Path())

    def load(self, folder):
        if self.name == "lsa":
            return super().load(folder)
        rng = np.random.default_rng(3)
        topics = np.repeat(rng.standard_normal((TOPICS, 384), dtype=np.float32), WORDS, axis=0)
        own = rng.standard_normal((TOPICS * WORDS, 384), dtype=np.float32)
        self._table = np.concatenate([topics + own, 0.2 * rng.standard_normal((len(COMMON), 384), dtype=np.float32)])
        self._place = {word: i for i, word in enumerate([*vocabulary(), *COMMON])}
        self._encode = self._means
        return self

    def alone(self, texts):
        return self(texts)

    @property
    def identity(self):
        return super().identity if self.name == "lsa" else Signature.of(embedder=self.name)

    def _means(self, texts):
        return np.stack([self._table[[self._place[word] for word in text.split()]].mean(0) for text in texts])


def selection(name: str, pool: list[Example], vault: Vault) -> Selection:
    kind, params = SELECTORS[name]
    kept = {"vault": vault} if kind != "balanced" else {}
    return Selection(create(kind, **params, **kept), pool, SHOTS, "ascending", 0)


def items(pool: list[Example]) -> list[Example]:
    """Fresh ones, and every tenth from the pool."""
    fresh = examples(ASKED, 9, "item")
    return [pool[i * len(pool) // ASKED] if i % 10 == 0 else each for i, each in enumerate(fresh)]


def peak() -> float:
    """GiB that this process has held at most."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def build(name: str, pool: list[Example], vault: Vault) -> dict:
    before, begun = peak(), time.perf_counter()
    selection(name, pool, vault)
    return {"build_s": round(time.perf_counter() - begun, 1), "pool_gib": before, "build_peak_gib": peak()}


def ask(name: str, pool: list[Example], vault: Vault) -> dict:
    begun = time.perf_counter()
    select = selection(name, pool, vault)
    found: dict = {"load_s": round(time.perf_counter() - begun, 1)}
    asked = items(pool)
    select.all(asked[: BATCHES[0]])  # the first touch reads the mapped files
    barred = 0
    for size in BATCHES:
        begun = time.perf_counter()
        for start in range(0, len(asked), size):
            barred += sum(len(demos.excluded) for demos in select.all(asked[start : start + size]))
        found[f"ms_batch_{size}"] = round((time.perf_counter() - begun) / len(asked) * 1000, 2)
    found["barred"] = barred // len(BATCHES)
    if isinstance(select.selector, knn.Knn):
        begun = time.perf_counter()
        queries = select.selector._embed.alone([item.text for item in asked])
        found["of_which_embedding_ms"] = round((time.perf_counter() - begun) / len(asked) * 1000, 2)
        found |= recall(select.selector, queries)
    return found | {"ask_peak_gib": peak()}


def recall(selector: knn.Knn, queries) -> dict:
    """Of the exact neighbours, how many the approximate index finds."""
    index = selector._indexes.get("")
    if not isinstance(index, knn.Approximate):
        return {}
    pairs = zip(index.exact.nearest(queries, NEIGHBOURS), index.nearest(queries, NEIGHBOURS), strict=True)
    hits = sum(len(np.intersect1d(one, two)) for one, two in pairs)
    return {
        "recall": round(hits / len(queries) / NEIGHBOURS, 4),
        "recall_measured_on_the_pool": round(index.recall, 4),
        "lists": index.lists.nlist,
        "lists_looked_at": index.probes,
    }


def machine() -> dict:
    packages = ("numpy", "scikit-learn", "bm25s", "faiss-cpu")
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": {package: version(package) for package in packages},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(SELECTORS))
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)  # what a process of its own does
    given = parser.parse_args()
    knn.Embedder = WordVectors
    if given.step:
        what, name, folder = given.step
        pool = examples(given.size, 0, "")
        print(json.dumps({"build": build, "ask": ask}[what](name, pool, Vault(Path(folder)))))
        return
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in given.only.split(","):
            found[name] = {}
            for what in ("build", "ask"):
                command = [sys.executable, __file__, "--size", str(given.size), "--step", what, name, folder]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found[name] |= json.loads(done.stdout)
            print(name, found[name], file=sys.stderr)
    print(json.dumps(machine() | {"pool": given.size, "items": ASKED, "shots": SHOTS, "selectors": found}, indent=2))


if __name__ == "__main__":
    main()
