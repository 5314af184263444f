"""A question in small letters as its parts: phrases of the vocabulary, and conditions on what was done."""
