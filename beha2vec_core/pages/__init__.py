"""Pages: their labels (themes and page types) and the classifiers that give them."""
