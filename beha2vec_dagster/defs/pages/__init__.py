"""Pages with their theme and type."""
