"""Pictures: the only place with matplotlib."""
