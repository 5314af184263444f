"""The language model with an endpoint: its tools, what they may give it, and whether its numbers are in the data."""
