# SPDX-License-Identifier: MIT
"""The command line: `mvi fit`, `suggest`, `search`, `vectors`, `update`, `browse` and `info`."""
