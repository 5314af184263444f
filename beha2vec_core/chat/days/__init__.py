"""Days, hours and periods that a question names."""
