"""A task: its definition, its data, and samples of them."""
