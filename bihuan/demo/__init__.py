"""A generated city with named people, and a simulator that keeps it moving."""
