"""The centre's desk: one queue for the day, sorted by what goes wrong first, and beside it the case in hand."""
