"""The published database: what is read of it, SQL of others within limits, and which ids leave this machine."""
