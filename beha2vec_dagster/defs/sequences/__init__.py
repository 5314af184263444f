"""What each user did, ready for the encoder."""
