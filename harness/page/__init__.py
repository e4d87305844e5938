"""A page to explore runs in: one HTML file, complete in itself. What is in it stands in ``data.d.ts``."""
