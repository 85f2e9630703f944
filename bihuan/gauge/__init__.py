"""Figures read from the journal: indicators, the wall's numbers, lists behind them."""
