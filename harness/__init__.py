"""harness: does this few-shot prompt beat a small model trained on the same data, on these items, and by how much?

The Python interface is ``harness.api``.
"""
