"""A plan in a few sentences."""

from __future__ import annotations

from harness.compare.sizes import Plan


def render(plan: Plan) -> str:
    """Plain text."""
    equal = "an equal template" if plan.difference == 0 else f"a template that is {plan.difference:+g} in truth"
    needed = "no number of items is enough" if plan.needed is None else f"about {plan.needed:,} items are needed"
    lines = [
        f"For {equal} to pass a margin of {plan.margin:g} with probability {plan.power:g}, {needed}.",
        f"With the {plan.n:,} items at hand it passes with probability {plan.chance:.2f}; they show a difference of "
        f"{plan.detectable:.3f} or more between two accuracies with probability {plan.power:g}.",
        f"Discordance (share of items right for one side only): {plan.discordance:.3f}, {plan.source}.",
    ]
    return "\n".join(lines)
