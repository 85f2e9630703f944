"""A matter's life: cases, tasks, clocks, and the actions that change them."""
