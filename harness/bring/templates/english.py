"""English templates."""

from __future__ import annotations

from harness.bring.templates.wording import Language, Wording

LABELS = '{{ labels | join(", ") }}'
# Each with what it means, where task.yaml says so.
DESCRIBED = (
    "{% for label in labels %}{{ label }}{% if label.description %} ({{ label.description }}){% endif %}"
    '{{ ", " if not loop.last else "" }}{% endfor %}'
)

KINDS = {
    "classification": Wording(
        "Label",
        f"Classify the text as one of: {LABELS}.",
        f"You classify texts. Reply with one of these and nothing else: {LABELS}.",
    ),
    "multilabel": Wording(
        "Labels",
        f'Name all labels that fit the text, with "; " between them, or none: {DESCRIBED}.',
        f'You label texts. Reply with all labels that fit, with "; " between them, or none: {DESCRIBED}.',
    ),
    "choice": Wording(
        "Answer",
        "One of the options is right. Answer with its letter.",
        "You answer questions with several options. Reply with the letter of the right one.",
    ),
    "entities": Wording(
        "Entities",
        "List the entities of each text in order, as a JSON list of pairs of words and type; [] if there are none. "
        f"The types: {DESCRIBED}.",
        "You find entities in texts. Reply with a JSON list of [words, type] in order, or [] if there are none. "
        f"The types: {DESCRIBED}.",
    ),
    "span": Wording(
        "Answer",
        'Answer each question with the fewest words copied from the text. If it has no answer, write "none".',
        "You find answers in texts. Reply with the shortest stretch of the text that answers the question, word for "
        "word, or with none if it has no answer.",
    ),
    "number": Wording(
        "Answer",
        "Answer with one number and its unit, and nothing else.",
        "You answer questions with numbers. Reply with one number and its unit only.",
    ),
    "text": Wording(
        "Answer",
        "Write the answer to each text, on one line.",
        "You answer texts. Reply with the answer alone, on one line.",
    ),
    "exact": Wording(
        "Answer",
        "Answer in a few words, on one line.",
        "You answer questions. Reply with the answer alone, in a few words.",
    ),
    "translation": Wording(
        "Translation",
        "Translate each text, on one line.",
        "You translate texts. Reply with the translation alone, on one line.",
    ),
    "summary": Wording(
        "Summary",
        "Summarise each text, on one line.",
        "You summarise texts. Reply with the summary alone, on one line.",
    ),
    "state": Wording(
        "State",
        "Say what is known after the last turn of each dialogue, as a JSON object. Leave out what is not known. The "
        f"slots: {DESCRIBED}.",
        "You read dialogues and say what is known after the last turn. Reply with a JSON object of slots on one line, "
        f"without what is not known. The slots: {DESCRIBED}.",
    ),
}
LANGUAGE = Language(
    KINDS,
    {"context_text": "Context"},  # a column called context, which Jinja has a use of its own for
    ":",
    " ",
    "Inputs and answer, nothing else.",
    "An instruction, then the examples.",
    "A chat - the rule as system message, each demonstration as a turn.",
)
