"""Published data sets as projects hold them: a task file's fields, the rows of each split, one template.

What a set's files have that a reader must know of (stray quotes, line ends, items that stand twice) is met here, and
counted in its notes.
"""

from published.data import Data, Row, template
from published.dialogues import sgd_intents, sgd_states
from published.entities import sec_ner
from published.labels import banking77, finre, pubmedqa, semeval
from published.options import medqa
from published.spans import xquad

__all__ = [
    "Data",
    "Row",
    "banking77",
    "finre",
    "medqa",
    "pubmedqa",
    "sec_ner",
    "semeval",
    "sgd_intents",
    "sgd_states",
    "template",
    "xquad",
]
