"""The data sets of the evaluation, one module each. What belongs here: reading them. What does not: any judgement."""
