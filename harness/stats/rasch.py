"""Scores of many prompts on many items out of a part of the answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.stats.resample import Array

STRENGTH = 1.0  # sklearn's C: the inverse of how hard effects are drawn to 0


def balanced(rows: int, columns: int, share: float, draw: np.random.Generator) -> npt.NDArray[np.bool_]:
    """(rows, columns): which cells to look at, so that rows, and columns too, have as many as each other, give or take
    one; in each row one at least."""
    each = max(1, round(share * columns))
    chosen = np.zeros((rows, columns), bool)
    queue: list[int] = []
    for row in draw.permutation(rows):
        while len(queue) < each:  # a column comes again when all others have come
            queue += draw.permutation(columns).tolist()
        took: list[int] = []
        for column in list(queue):
            if len(took) == each:
                break
            if column not in took:
                took.append(column)
                queue.remove(column)
        chosen[row, took] = True
    return chosen


def means(seen: Array) -> Array:
    """(rows,) the mean of each row of ``seen`` (rows, columns), whose cells are scores in [0, 1], NaN where not looked
    at: what was seen there, and for the rest what a Rasch model says, a logistic regression on a row's effect and a
    column's (Polo et al., 2024, PromptEval, without covariates)."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    rows, columns = seen.shape
    places, items = np.nonzero(~np.isnan(seen))
    scores = seen[places, items]
    if not len(scores) or scores.min() == scores.max():
        return np.full(rows, scores.mean() if len(scores) else np.nan)
    # A score between 0 and 1 counts as so much of a right answer, and the rest of a wrong one.
    weights, right = np.concatenate([scores, 1 - scores]), np.repeat([1, 0], len(scores))
    index = np.tile(np.stack([places, rows + items]), 2)
    cells = np.arange(2 * len(scores))
    table = sparse.csr_array(
        (np.ones(4 * len(scores)), (np.tile(cells, 2), index.ravel())), shape=(len(cells), rows + columns)
    )
    kept = weights > 0
    fitted = LogisticRegression(C=STRENGTH, max_iter=1000).fit(table[kept], right[kept], weights[kept])
    effects = fitted.coef_[0]
    logits = fitted.intercept_[0] + effects[:rows, None] + effects[None, rows:]
    found: Array = np.where(np.isnan(seen), 1 / (1 + np.exp(-logits)), seen).mean(1)
    return found
