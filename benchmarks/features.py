# SPDX-License-Identifier: MIT
"""All 3,857 descriptors of images, decoding included: images per second, memory, and where the time goes.

Without --images the scenes of `mini` are drawn at 128 px for it, which is not timed. Each of two processes
on one thread describes every second block of images at the same time, as two jobs of the workflow do.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from mvi.data.images import ZipImages, decode
from mvi.features.clusters import learn_words
from mvi.features.extract import Descriptors, describe
from mvi.features.words import sample_for_words
from mvi.synthetic.mirflickr import write_mirflickr

SIZE = 128
BATCH = 16
# Speed depends on their number, not on how good they are.
WORDS = 2000
MEMBER = "mirflickr/im{}.jpg"


def images_of(path: str, count: int) -> ZipImages:
    """The first `count` images of an archive in the layout of MIRFLICKR."""
    return ZipImages(path, [MEMBER.format(i + 1) for i in range(count)])


def extractor(words: str) -> Descriptors:
    """What the workflow describes images by."""
    loaded = torch.from_numpy(np.load(words, allow_pickle=False))
    return Descriptors(loaded, size=SIZE)


def work(path: str, words: str, start: int, count: int) -> None:
    """Describe every second image and print seconds and the largest resident memory in MiB."""
    extract = extractor(words)
    with torch.inference_mode(), images_of(path, count) as images:
        started = time.perf_counter()
        describe(images, range(start, count, 2), extract, size=SIZE, batch=BATCH)
        seconds = time.perf_counter() - started
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def profile(path: str, words: str, count: int) -> dict[str, float]:
    """Milliseconds of one core that each part takes an image."""
    extract, found = extractor(words), {}
    with torch.inference_mode(), images_of(path, count) as images:
        started = time.process_time()
        decoded = np.stack([decode(images.read(i), SIZE) for i in range(count)])
        found["reading and decoding"] = time.process_time() - started
        pixels = torch.from_numpy(decoded).permute(0, 3, 1, 2).float().div_(255).contiguous()
        for name, part in extract.parts.items():
            started = time.process_time()
            for batch in pixels.split(BATCH):
                part(batch)
            found[name] = time.process_time() - started
    return {name: 1000 * seconds / count for name, seconds in found.items()}


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", help="a zip with images mirflickr/im1.jpg and so on")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.work:
        path, words, start, count = options.work
        work(path, words, int(start), int(count))
        return
    with tempfile.TemporaryDirectory() as folder:
        path, words = options.images or f"{folder}/pictures.zip", f"{folder}/words.npy"
        if not options.images:
            others = f"{folder}/annotations.zip", f"{folder}/truth.npz"
            write_mirflickr(path, *others, labelled=options.count, unlabelled=0, size=SIZE, seed=0)
        with images_of(path, options.count) as images:
            rows = range(min(options.count, 128))
            sample = sample_for_words(images, rows, size=SIZE, batch=BATCH, per_image=100, seed=0)
        np.save(words, learn_words(sample, WORDS, seed=0, epochs=1))
        command = [sys.executable, __file__, "--work", path, words]
        jobs = [
            subprocess.Popen(
                [*command, str(start), str(options.count)],
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
            for start in (0, 1)
        ]
        outputs = [job.communicate()[0].split() for job in jobs]
        if any(job.returncode for job in jobs):
            raise SystemExit("a process that described images failed")
        times = profile(path, words, min(options.count, 128))
    seconds = max(float(output[0]) for output in outputs)
    memory = max(float(output[1]) for output in outputs)
    kind = Path(options.images).name if options.images else "generated"
    print(f"{options.count} {kind} images, {SIZE} px, 2 processes of one thread at a time\n")
    print("| | |\n|---|--:|")
    print(f"| images per second, both together | {options.count / seconds:.0f} |")
    print(f"| resident memory of each, MiB | {memory:.0f} |")
    print("\n| milliseconds of one core per image | |\n|---|--:|")
    for name, milliseconds in times.items():
        print(f"| {name} | {milliseconds:.2f} |")
    print(f"| together | {sum(times.values()):.1f} |")


if __name__ == "__main__":
    main()
