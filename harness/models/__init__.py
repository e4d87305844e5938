"""Where a model's files lie, and what turns texts into vectors."""
