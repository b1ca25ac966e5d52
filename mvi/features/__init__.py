# SPDX-License-Identifier: MIT
"""Image descriptors: batched torch functions from pixels to features. They know nothing of models."""
