"""What a method must do, one module a task: population, label, metric and known traps stand in its docstring."""
