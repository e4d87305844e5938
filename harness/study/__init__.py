"""The grid of runs that a command asks for: planned, forecast, run, and shown."""
