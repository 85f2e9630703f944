"""What ticks: the pump, queued jobs, live hints to open screens."""
