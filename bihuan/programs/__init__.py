"""Mechanisms as documents: schema, immutable versions, static checks, scenarios."""
