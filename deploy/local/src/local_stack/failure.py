"""Why the local stack can't do what was asked, always with the cure in the text."""


class StackError(Exception):
    """Something outside the program's control stands in the way; the text says what to do about it."""
