"""The author's desk (编排): what the programs say and do, and changing them safely without a developer."""
