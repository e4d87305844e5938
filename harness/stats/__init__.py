"""Statistics over (n, d) arrays of sufficient statistics: they cannot know who predicted."""
