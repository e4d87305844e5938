"""Runs held side by side: rows and differences, estimates, variance, sample sizes."""
