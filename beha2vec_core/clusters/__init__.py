"""Clusters of users: choosing k, fitting K-Means, assigning users."""
