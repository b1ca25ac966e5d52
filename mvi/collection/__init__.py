# SPDX-License-Identifier: MIT
"""A collection: somebody's own images with the model that learned from their tags, ready to be asked."""
