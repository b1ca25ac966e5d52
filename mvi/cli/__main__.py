# SPDX-License-Identifier: MIT
"""`python -m mvi.cli`, as the program `mvi`."""

import sys

from mvi.cli.main import main

sys.exit(main())
