"""Bootstrapping and running: the embedded database, roles, the supervisor, backup."""
