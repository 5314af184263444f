"""What a method must do, one module a task: its docstring says population, label, metric and known traps.

`inputs` says what a method is given, `probe` and `partition` how vectors are read: what several tasks share.
"""
