"""What the encoder reads: histories of events, one row a user (``user_sequences``), and as arrays (``sequences``)."""
