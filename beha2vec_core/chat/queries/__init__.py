"""The parts of a question as semantic queries, or why no query answers them; and queries as questions."""
