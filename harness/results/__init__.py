"""What is kept on disk: sealed runs, columns, trained models and indexes."""
