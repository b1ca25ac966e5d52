# SPDX-License-Identifier: MIT
"""`mini`: a generated world of images with tags and labels, whose probabilities are known.

`scene` draws what there is to see (`kinds`), `concepts` says how prominent it is and gives the labels, `tags`
lets imagined users write tags (`vocabulary`), `compose` draws the image (`canvas`, `landscape`, `interior`,
`nature`, `built`, `people`, `animals`), `world` runs through the rows, `mirflickr` and `toronto` write what
readers of real data read, and `truth` reads what is known of a world.
"""
