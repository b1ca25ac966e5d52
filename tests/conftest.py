# SPDX-License-Identifier: MIT
"""One thread for every test: on a shared machine two that wait for each other are slower than one."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import torch

torch.set_num_threads(1)
