"""A candidate becomes the encoder in use, with its clusters: `assets` puts it in use, `checks` has the gate's check."""
