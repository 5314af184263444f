"""What is stored of a person: found, and removed on request or after a time.

It knows every place that holds people, so it stands above them all. What is left out or removed before anything is
stored is in the folder above.
"""
