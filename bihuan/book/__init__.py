"""The journal: append-only events, the outbox, messages and tallies."""
