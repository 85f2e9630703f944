"""Three-way cultivation in the demo: trainees, needs, support, studios and pairs of a real city's published size."""
