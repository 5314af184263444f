"""Insights: sentences about clusters, written from facts by a language model or by a template."""
