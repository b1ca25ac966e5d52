# SPDX-License-Identifier: MIT
"""Picture descriptors: batched torch functions from pixels to numbers. They know nothing of models."""
