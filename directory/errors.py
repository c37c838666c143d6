"""What the directory refuses: one class, a stable code, one line that says what, where and what to do."""

from __future__ import annotations


class DirectoryError(Exception):
    """Refused; whatever was there before is untouched.

    ``code`` never changes and never translates. ``str`` is English, holds no patient and may name a file as given.
    """

    def __init__(self, code: str, words: str) -> None:
        """``words``: what is wrong, where, and what to do."""
        super().__init__(words)
        self.code = code

    def __reduce__(self) -> tuple[type[DirectoryError], tuple[str, str]]:
        """A child process tells it to its parent."""
        return DirectoryError, (self.code, str(self))
