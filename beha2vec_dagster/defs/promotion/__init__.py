"""A candidate becomes the encoder in use, with its clusters."""
