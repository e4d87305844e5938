"""Tasks of lm-evaluation-harness, each with a few items of our own in the shape of its data."""

from __future__ import annotations

TOWNS = ("Ulm", "Porto", "Ghent", "Turku", "Basel", "Zadar", "Lille", "Bergen")
THINGS = (
    "a kettle",
    "the violin",
    "seven maps",
    "an old clock",
    "two lanterns",
    "the ferry",
    "a red barn",
    "her bicycle",
)


def rows(make, count=4, start=0):
    return [make(i, TOWNS[i % 8], THINGS[i % 8]) for i in range(start, start + count)]


def both(train, test, make):
    """Items to show and items to ask, none of which is like another."""
    return {train: rows(make, 5, 3), test: rows(make, 3)}


def lettered(i, town, thing):
    return {
        "question": f" Who in {town} mended {thing}? ",
        "choices": [f"The baker of {town}", f"Nobody, {i} times", "“Two” friends", "It wasn't broken"],
        "answer": (i * 3 + 1) % 4,
    }


def columns(i, town, thing):
    found = lettered(i, town, thing)
    return {"question": found["question"], "Question": found["question"]} | dict(
        zip("ABCD", found["choices"], strict=True)
    )


def numbered(i, town, thing):
    return {
        "question": f"Each of {i + 2} shops in {town} sells {thing} {i + 3} times. How often in all?",
        "answer": f"{i + 2} times {i + 3} is {(i + 2) * (i + 3)}.\n#### {(i + 2) * (i + 3)}",
    }


def pair(i, town, thing):
    return {"premise": f"In {town} it rained on {thing}.", "hypothesis": f"{thing} of {town} got wet", "label": i % 3}


def story(i, town, thing):
    found = {f"input_sentence_{n}": f"Part {n} about {thing} in {town}." for n in (1, 2, 3, 4)}
    ends = {"sentence_quiz1": f"They sold {thing}.", "sentence_quiz2": f"{town} slept, at last."}
    return {**found, **ends, "answer_right_ending": i % 2 + 1}


def labelled(i, town, thing, letters="ABCD"):
    return {"text": [f"{thing} {word}" for word in ("sinks", "sings", "grows", "burns")], "label": list(letters)}


# By task: its splits with our items, and how many are shown before each.
CASES = {
    "arc_easy": (
        both(
            "train",
            "test",
            lambda i, town, thing: {
                "question": f"What becomes of {thing} in {town}?",
                "choices": labelled(i, town, thing),
                "answerKey": "ABCD"[i % 4],
            },
        ),
        2,
    ),
    "piqa": (
        both(
            "train",
            "validation",
            lambda i, town, thing: {
                "goal": f"To carry {thing} to {town}",
                "sol1": f"tie {thing} to a cart",
                "sol2": "whistle",
                "label": i % 2,
            },
        ),
        2,
    ),
    "boolq": (
        both(
            "train",
            "validation",
            lambda i, town, thing: {
                "passage": f"{town} lost {thing} in {1900 + i}.",
                "question": f"did {town} lose {thing}",
                "label": i % 2,
            },
        ),
        3,
    ),
    "openbookqa": (
        both(
            "train",
            "test",
            lambda i, town, thing: {
                "question_stem": f"{thing} near {town} most likely",
                "choices": labelled(i, town, thing),
                "answerKey": "ABCD"[(i + 1) % 4],
            },
        ),
        1,
    ),
    "sciq": (
        both(
            "train",
            "test",
            lambda i, town, thing: {
                "support": f"  Near {town} stands {thing}.\nIt is old.",
                "question": f"What stands near {town}?",
                "distractor1": "a tree",
                "distractor2": f"{i} stones",
                "distractor3": "nothing",
                "correct_answer": thing,
            },
        ),
        2,
    ),
    "triviaqa": (
        both(
            "train",
            "validation",
            lambda i, town, thing: {
                "question": f"Which town sold {thing}",
                "answer": {"aliases": [town, f'{town}\'s "old" town'], "value": town},
            },
        ),
        2,
    ),
    "nq_open": (
        both(
            "train",
            "validation",
            lambda i, town, thing: {"question": f"who owns {thing} in {town}", "answer": [f"The {town} guild", town]},
        ),
        2,
    ),
    "commonsense_qa": (
        both(
            "train",
            "validation",
            lambda i, town, thing: {
                "question": f" Where would one look for {thing}? ",
                "choices": {"label": list("ABCDE"), "text": [town, "an attic", "a lake", "at school", f"row {i}"]},
                "answerKey": "ABCDE"[i % 5],
            },
        ),
        2,
    ),
    "social_iqa": (
        both(
            "train",
            "validation",
            lambda i, town, thing: {
                "context": f"Kim gave {thing} to Lee in {town}.",
                "question": "How does Lee feel?",
                "answerA": "glad",
                "answerB": f"like leaving {town}",
                "answerC": "tired",
                "label": str(i % 3 + 1),
            },
        ),
        2,
    ),
    "swag": (
        both(
            "train",
            "validation",
            lambda i, town, thing: {
                "startphrase": f"Someone lifts {thing} in {town}. He",
                **{f"ending{n}": f"{word} {thing}" for n, word in enumerate(("drops", "sells", "paints", "hides"))},
                "label": i % 4,
            },
        ),
        2,
    ),
    "anli_r1": (both("train_r1", "test_r1", pair) | {"dev_r1": rows(pair, 2, 6)}, 3),
    "xnli_en": (both("train", "validation", pair), 1),
    "wic": (
        both(
            "train",
            "validation",
            lambda i, town, thing: {
                "sentence1": f"bank of {town} with {thing}",
                "sentence2": f"the river bank, {thing}",
                "start1": 0,
                "end1": 4,
                "label": i % 2,
            },
        ),
        2,
    ),
    "sst2": (
        both("train", "validation", lambda i, town, thing: {"sentence": f"{thing} charmed {town} ", "label": i % 2}),
        4,
    ),
    "mc_taco": (
        both(
            "validation",
            "test",
            lambda i, town, thing: {
                "sentence": f"She cleaned {thing} in {town}.",
                "question": "How long did it take?",
                "answer": f"{i + 1} hours",
                "label": i % 2,
            },
        ),
        2,
    ),
    "mmlu_anatomy": (both("dev", "test", lettered), 3),
    "kmmlu_accounting": (
        both("dev", "test", lambda i, town, thing: {**columns(i, town, thing), "answer": i % 4 + 1}),
        2,
    ),
    "cmmlu_agronomy": (
        both("dev", "test", lambda i, town, thing: {**columns(i, town, thing), "Answer": "ABCD"[i % 4]}),
        2,
    ),
    "mmlu_llama_anatomy": (both("dev", "test", lettered), 2),
    "gsm8k": (both("train", "test", numbered), 2),
    "gsm8k_cot": ({"test": rows(numbered, 3)}, 3),
    "bbh_cot_fewshot_navigate": (
        {"test": rows(lambda i, town, thing: {"input": f"Walk to {town} with {thing}.", "target": "No"}, 3)},
        3,
    ),
    "mgsm_direct_en": (
        {
            "train": rows(lambda i, t, x: {**numbered(i, t, x), "answer_number": i * 7 + 1}, 4, 3),
            "test": rows(lambda i, t, x: {**numbered(i, t, x), "answer": None, "answer_number": i * 5 + 2}, 3),
        },
        2,
    ),
    "babi": (
        both(
            "train",
            "test",
            lambda i, town, thing: {
                "passage": f"Mary took {thing} to {town}.\n",
                "question": f"Where is {thing}?",
                "answer": town,
            },
        ),
        2,
    ),
    "legalbench_abercrombie": (
        both(
            "train",
            "test",
            lambda i, town, thing: {"text": f'"{town}" for {thing}', "answer": ("generic", "fanciful")[i % 2]},
        ),
        4,
    ),
    "wmt16-en-de": (
        both(
            "validation",
            "test",
            lambda i, town, thing: {"translation": {"en": f"{thing} is in {town}.", "de": f"In {town}: {i} Cafés."}},
        ),
        2,
    ),
    "headqa_en": (
        both(
            "train",
            "test",
            lambda i, town, thing: {
                "qtext": f"Which of these helped {town}?",
                "answers": [{"aid": n + 1, "atext": text} for n, text in enumerate((thing, "rain", f"{i} doctors"))],
                "ra": i % 3 + 1,
            },
        ),
        1,
    ),
    "xstorycloze_en": (both("train", "eval", story), 1),
    "qa4mre_2011": (
        {
            "train": rows(
                lambda i, town, thing: {
                    "document_str": f" {town} keeps {thing}. ",
                    "question_str": f"What does {town} keep?",
                    "correct_answer_id": str(i % 3 + 1),
                    "answer_options": {"answer_id": ["1", "2", "3"], "answer_str": [thing, "a goat", f"{i} coins"]},
                },
                3,
            )
        },
        0,
    ),
    "winogender_all": (
        {
            "test": rows(
                lambda i, town, thing: {
                    "sentence": f"The clerk told the guest of {town} that he lost {thing}.",
                    "pronoun": "he",
                    "occupation": "clerk",
                    "participant": "guest",
                    "label": i % 2,
                },
                3,
            )
        },
        0,
    ),
    "blimp_causative": (
        {
            "train": rows(
                lambda i, town, thing: {
                    "sentence_good": f"{town} moves {thing}.",
                    "sentence_bad": f"{town} exists {thing}.",
                },
                3,
            )
        },
        0,
    ),
    "belebele_eng_Latn": (
        {
            "test": rows(
                lambda i, town, thing: {
                    "flores_passage": f"In {town} there was {thing}.",
                    "question": f"Where was {thing}? ",
                    **{f"mc_answer{n}": f"{word} {i}" for n, word in enumerate(("hill", "lake", "inn", "mill"), 1)},
                    "correct_answer_num": str(i % 4 + 1),
                },
                3,
            )
        },
        0,
    ),
}
