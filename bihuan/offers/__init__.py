"""Offers: needs collected and claimed with a help plan, lasting pairings, studios with sessions and suggestions."""
