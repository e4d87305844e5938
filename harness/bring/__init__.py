"""What brings a user's own data in: annexes that nothing else knows of."""
