"""What should train a network: the faster device, and the faster engine."""
