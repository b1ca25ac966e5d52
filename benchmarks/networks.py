# SPDX-License-Identifier: MIT
"""A network as a descriptor: run by onnxruntime against eager PyTorch, and against the descriptors.

The first table is of one thread and images at hand, each way of running the network at its quickest number
of images at a time. The second is of images from their files on: two processes of one thread describe
every second image, as two jobs of the workflow do. What is compared takes turns, so that other work on the
machine slows all alike; the best turn counts.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from features import BATCH, SIZE, WORDS, extractor, images_of
from torch import Tensor

from mvi.features.conversion import convert, packaged_weights
from mvi.features.extract import describe
from mvi.features.networks import NETWORKS
from mvi.features.onnx_network import OnnxNetwork
from mvi.synthetic.mirflickr import write_mirflickr

NETWORK = NETWORKS["efficientnet_lite0"]
SIDES = (160, 224)
AT_A_TIME = (1, 4, 16)
TURNS = 5


def converted(path: str, side: int) -> OnnxNetwork:
    """The converted network at a side."""
    return OnnxNetwork(path, side=side, mean=NETWORK.mean, deviation=NETWORK.deviation)


def eager(side: int) -> Callable[[Tensor], Tensor]:
    """The same network as its package has it."""
    network = EfficientNet.from_name("efficientnet-lite0", image_size=side)
    network.load_state_dict(torch.load(packaged_weights(NETWORK), weights_only=True))
    network.eval()
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (NETWORK.mean, NETWORK.deviation))

    def describe_batch(images: Tensor) -> Tensor:
        return network.extract_features((images - mean) / deviation).mean((2, 3))

    return describe_batch


def of_one_thread(path: str, side: int) -> dict[str, float]:
    """Milliseconds per image of each, and the largest difference of their activations."""
    images = torch.rand(max(AT_A_TIME), 3, side, side, generator=torch.Generator().manual_seed(0))
    both = {"PyTorch": eager(side), "onnxruntime": converted(path, side)}
    found = dict.fromkeys(both, float("inf"))
    with torch.inference_mode():
        results = [one(images) for one in both.values()]
        for _ in range(TURNS):
            for size in AT_A_TIME:
                for name, one in both.items():
                    started = time.perf_counter()
                    for part in images.split(size):
                        one(part)
                    found[name] = min(found[name], 1000 * (time.perf_counter() - started) / len(images))
    return found | {"difference": float((results[0] - results[1]).abs().max())}


def work(images_path: str, what: str, file: str, start: int, count: int) -> None:
    """Describe every second image and print the seconds."""
    side = SIZE if what == "descriptors" else int(what)
    extract = extractor(file) if what == "descriptors" else converted(file, side)
    with torch.inference_mode(), images_of(images_path, count) as images:
        started = time.perf_counter()
        describe(images, range(start, count, 2), extract, size=side, batch=BATCH)
        print(time.perf_counter() - started)


def seconds(images_path: str, what: str, file: str, count: int) -> float:
    """Of the slower of two processes at a time that share the images."""
    command = [sys.executable, __file__, "--work", images_path, what, file]
    jobs = [
        subprocess.Popen(
            [*command, str(start), str(count)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        for start in (0, 1)
    ]
    outputs = [job.communicate()[0] for job in jobs]
    if any(job.returncode for job in jobs):
        raise SystemExit("a process that described images failed")
    return max(map(float, outputs))


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", help="a zip with images mirflickr/im1.jpg and so on")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.work:
        *places, start, count = options.work
        work(*places, int(start), int(count))
        return
    with tempfile.TemporaryDirectory() as folder:
        network, words = f"{folder}/network.onnx", f"{folder}/words.npy"
        Path(network).write_bytes(convert(NETWORK.name))
        print(f"{NETWORK.title}, {NETWORK.dimensions} activations, one thread, milliseconds per image\n")
        print("| pixels | eager PyTorch | onnxruntime | times as fast | largest difference |")
        print("|--:|--:|--:|--:|--:|")
        for side in SIDES:
            one = of_one_thread(network, side)
            ratio = one["PyTorch"] / one["onnxruntime"]
            times = f"{one['PyTorch']:.1f} | {one['onnxruntime']:.1f} | {ratio:.1f}"
            print(f"| {side} | {times} | {one['difference']:.0e} |")
        path = options.images or f"{folder}/pictures.zip"
        if not options.images:
            others = f"{folder}/annotations.zip", f"{folder}/truth.npz"
            write_mirflickr(path, *others, labelled=options.count, unlabelled=0, size=SIZE, seed=0)
        # Speed depends on their number, not on how good they are.
        np.save(words, np.random.default_rng(0).random((WORDS, 128), np.float32))
        kinds = {"descriptors": words} | dict.fromkeys(map(str, SIDES), network)
        best = dict.fromkeys(kinds, float("inf"))
        for _ in range(options.turns):
            for what, file in kinds.items():
                best[what] = min(best[what], seconds(path, what, file, options.count))
    source = Path(options.images).name if options.images else "generated"
    print(f"\n{options.count} {source} images of {SIZE} px from their files on, 2 processes of one thread\n")
    print("| | images per second, both together | times as many |\n|---|--:|--:|")
    for what in kinds:
        title = "3,857 descriptors" if what == "descriptors" else f"{NETWORK.title} at {what} px"
        print(f"| {title} | {options.count / best[what]:.0f} | {best['descriptors'] / best[what]:.1f} |")


if __name__ == "__main__":
    main()
