"""Ways to say something, as text in the words that the vocabulary knows."""
