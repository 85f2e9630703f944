"""Telling people what happens to needs, plans, pairs and studios."""
