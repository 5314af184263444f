"""Predictions: their examples, the model and its evaluation, and each night's scores."""
