"""From an EELS spectrum image to components and maps."""
