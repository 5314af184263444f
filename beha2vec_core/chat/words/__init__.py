"""Words of any question: forms, spelling, verbs, numbers, words that say nothing, places, and what no data have."""
