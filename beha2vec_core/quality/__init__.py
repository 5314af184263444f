"""What must hold of the data, night after night: declarations, measures and thresholds.

What belongs here: `expectations` (what each table of ours must satisfy), the checks by what they look at (`export`,
`events`, `encoder`, `clusters`), the statistics they share, and `catalogue`, the list of all. What does not: the data
that dbt's own tests look at. A check is a function that reads and says what it found; the graph turns the catalogue
into asset checks. `docs/checks.md` has the table for people.
"""
