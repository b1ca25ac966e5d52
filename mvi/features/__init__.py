# SPDX-License-Identifier: MIT
"""Image descriptors: batched torch functions from pixels to numbers. They know nothing of models."""
