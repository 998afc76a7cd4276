"""What a network that reads digits does, and what it does not do."""
