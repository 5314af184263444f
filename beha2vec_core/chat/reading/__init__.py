"""A whole question as it was typed, read as queries: its sentences, its parts, and what it continues."""
