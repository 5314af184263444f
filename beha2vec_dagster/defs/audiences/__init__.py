"""Audiences: who is in each one, day by day."""
