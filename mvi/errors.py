# SPDX-License-Identifier: MIT
"""What `mvi` raises when something outside the code is wrong.

Each message is one sentence that says what is wrong, where, and what to do about it, so that it can be
shown to a user without a traceback.
"""


class MviError(Exception):
    """Base of every error that a user can mend."""


class ConfigError(MviError):
    """A setting is unknown, out of range or contradicts another."""


class DataError(MviError):
    """A file is missing, truncated, altered or holds what it should not."""


class DamageError(DataError):
    """A part of an archive is no longer what it was: nothing that its maker left as it is."""


class ShapeError(MviError):
    """An array does not have the shape that the model or the store expects."""


class NonFiniteError(MviError):
    """Training met numbers that are not finite and could not go on."""
