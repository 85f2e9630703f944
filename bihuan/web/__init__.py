"""One module per desk; every page is painted here."""
