"""From an item to what a model is asked: demonstrations, template, tokens; and from what it wrote to an answer."""
