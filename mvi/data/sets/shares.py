# SPDX-License-Identifier: MIT
"""Random splits by shares of the rows: what several data sets have to say of their settings."""

from mvi.data.sets.base import Settings
from mvi.errors import ConfigError


def check_shares(settings: Settings, place: str, first: str, second: str, rest: str) -> None:
    """Raise `ConfigError` where the shares `first` and `second` leave nothing for a third part, `rest`.

    `place` is the dotted name of `settings` in the config.
    """
    if settings[first] + settings[second] >= 1:
        raise ConfigError(
            f'config keys "{place}.{first}" and "{place}.{second}" are {settings[first]} and '
            f"{settings[second]}, but must leave rows for {rest}: their sum must be less than 1."
        )


def check_splits(settings: Settings, place: str, number: str | None = None) -> None:
    """Raise `ConfigError` where the shares of `settings["splits"]` leave no test rows.

    `number` is the setting that says how many rows have labels, if one does: too few are refused as well.
    """
    splits = settings["splits"]
    check_shares(splits, f"{place}.splits", "train", "validation", "test")
    if number is not None:
        labelled = settings[number]
        train, validation = (round(splits[part] * labelled) for part in ("train", "validation"))
        if min(train, validation, labelled - train - validation) < 1:
            raise ConfigError(
                f'config key "{place}.{number}" is {labelled}, but must be enough for a row in each part of '
                "a split."
            )


def number_of_splits(settings: Settings) -> int:
    """How many splits are drawn."""
    return int(settings["splits"]["count"])


def training_rows(settings: Settings, labelled: int) -> int:
    """Rows of a training part, as `mvi.data.splits.random_splits` cuts it."""
    return round(settings["splits"]["train"] * labelled)
