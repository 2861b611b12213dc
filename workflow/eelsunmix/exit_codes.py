"""Exit codes of all commands, beside 0."""

FAILED, MISTAKEN, INTERRUPTED = 1, 2, 130
"""Something failed; the user can mend it; stopped by the user."""
