"""What is compared, one module a method (or a family). What belongs here: fitting and encoding. No judgement."""
