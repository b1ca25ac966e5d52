# SPDX-License-Identifier: MIT
"""`mini`: a generated world of pictures with tags and labels, whose probabilities are known.

`scene` draws what there is to see (`kinds`), `concepts` says how prominent it is and gives the labels, `tags`
lets imagined users write tags (`vocabulary`), `compose` draws the picture (`canvas`, `landscape`, `interior`,
`nature`, `built`, `people`, `animals`), `world` runs through the rows, and `mirflickr` and `toronto` write
what readers of real data read.
"""

from mvi.data.mini.mirflickr import CITATION, tag_probabilities, write_mirflickr
from mvi.data.mini.toronto import write_toronto

__all__ = ["CITATION", "tag_probabilities", "write_mirflickr", "write_toronto"]
