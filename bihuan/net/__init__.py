"""Who and where: units in trees, places and grids, people and their postings, the calendar, scope of power."""
