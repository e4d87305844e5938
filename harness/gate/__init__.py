"""Did this change make it worse? The question, what is kept to ask it again, and the verdict."""
