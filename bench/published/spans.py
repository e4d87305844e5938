"""Published sets of answers in passages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from published.data import Data, Row, template


def xquad(language: str) -> Callable[[Path], Data]:
    """The reader of XQuAD in one language: questions on passages of Wikipedia."""
    asked = {
        "en": (
            "Answer each question with the fewest words copied from the passage.",
            ("Passage: ", "Question: ", "Answer:", " "),
        ),
        "de": (
            "Beantworte jede Frage mit möglichst wenigen Wörtern, abgeschrieben aus dem Text.",
            ("Text: ", "Frage: ", "Antwort:", " "),
        ),
        "zh": ("用文章中的原文回答问题，越短越好。", ("文章：", "问题：", "答案：", "")),
    }
    instruction, (passage, question, answer, blank) = asked[language]
    body = f"""{instruction}

{{% for shot in shots %}}
{passage}{{{{ shot.passage }}}}
{question}{{{{ shot.question }}}}
{answer}{blank}{{{{ shot.answer }}}}

{{% endfor %}}
{passage}{{{{ passage }}}}
{question}{{{{ question }}}}
{answer}
"""

    def read(folder: Path) -> Data:
        articles = json.loads((folder / f"xquad.{language}.json").read_text(encoding="utf-8"))["data"]
        rows = [
            [
                {
                    "id": question["id"],
                    "passage": paragraph["context"],
                    "question": question["question"].strip(),
                    "answers": [{"start": each["answer_start"], "text": each["text"]} for each in question["answers"]],
                    "cluster": f"{article['title']}-{place}",
                }
                for place, paragraph in enumerate(article["paragraphs"], 1)
                for question in paragraph["qas"]
            ]
            for article in articles
        ]
        first, second = round(0.6 * len(rows)), round(0.7 * len(rows))
        parts = {"train": rows[:first], "dev": rows[first:second], "test": rows[second:]}
        by = {"by": "characters"} if language == "zh" else {}
        return Data(
            {
                "kind": "span",
                "language": language,
                "inputs": ["passage", "question"],
                "target": "answers",
                "context": "passage",
                "cluster": "cluster",
                **by,
            },
            {split: [row for article in part for row in article] for split, part in parts.items()},
            template(body, language=language, max_tokens={"en": 32, "de": 40, "zh": 48}[language]),
            f"by article, in file order: {', '.join(f'{len(part)} {split}' for split, part in parts.items())}",
            {
                "answers that do not stand where they are said to": sum(
                    _misplaced(row) for article in rows for row in article
                )
            },
        )

    return read


def _misplaced(row: Row) -> bool:
    passage: str = row["passage"]
    return any(passage[each["start"] :][: len(each["text"])] != each["text"] for each in row["answers"])
