"""Personal and free text, contacts and photos: everything that identifies somebody lives here."""
