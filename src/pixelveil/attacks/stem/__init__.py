"""What the encrypted model, its server, its clients and its training give away."""
