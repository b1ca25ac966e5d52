# SPDX-License-Identifier: MIT
"""Products of rounded factors against products in float64 of factors rounded by numpy."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from mvi.models.mrbm import MultimodalRBM
from mvi.objectives.multiprediction import MultiPrediction
from mvi.training.precision import RoundedFactors, full_precision, round_to

MANTISSA = {"tf32": 10, "bfloat16": 7}


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """The nearest numbers with `bits` of mantissa, ties to even, by way of float64."""
    mantissa, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.rint(mantissa * 2.0 ** (bits + 1)), exponent - bits - 1)


@pytest.mark.parametrize("kind", MANTISSA)
def test_numbers_are_rounded_to_the_nearest(kind):
    draws = torch.Generator().manual_seed(0)
    numbers = torch.randn(5000, generator=draws) * 10.0 ** torch.randint(-20, 20, (5000,), generator=draws)
    ties = torch.tensor([1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 1 + 3 * 2.0**-8, -1 - 2.0**-11, 0.0])
    numbers = torch.cat([numbers, ties])
    np.testing.assert_array_equal(round_to(kind, numbers).double(), rounded(numbers.numpy(), MANTISSA[kind]))
    kept = round_to(kind, torch.tensor([torch.inf, -torch.inf, torch.nan]))
    assert kept[0] == torch.inf and kept[1] == -torch.inf and kept[2].isnan()


@pytest.mark.parametrize("kind", MANTISSA)
@pytest.mark.parametrize("how", ["mm", "addmm", "addmm_", "out", "mv", "bmm", "transposed"])
def test_factors_are_rounded_and_sums_are_not(kind, how):
    draws = torch.Generator().manual_seed(1)
    a, b = torch.randn(7, 50, generator=draws), torch.randn(50, 6, generator=draws)
    c = torch.randn(7, 6, generator=draws)
    exact = [torch.from_numpy(rounded(x.numpy(), MANTISSA[kind])) for x in (a, b)]
    expected = exact[0] @ exact[1]
    with RoundedFactors(kind):
        if how == "mm":
            result = a @ b
        elif how == "addmm":
            result, expected = torch.addmm(c, a, b, alpha=2), c.double() + 2 * expected
        elif how == "addmm_":
            result, expected = c.clone().addmm_(a, b), c.double() + expected
        elif how == "out":
            result = torch.empty(7, 6)
            torch.mm(a, b, out=result)
        elif how == "mv":
            result, expected = a @ b[:, 0], expected[:, 0]
        elif how == "bmm":
            result, expected = torch.bmm(a[None], b[None]), expected[None]
        else:
            result = (b.T @ a.T).T
    # Sums in float32 of 50 products, twice over in one case, and of a third matrix.
    magnitude = 2 * (a.abs() @ b.abs()).max() + c.abs().max()
    rounding = 52 * torch.finfo(torch.float32).eps * float(magnitude)
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=rounding)


def test_gradients_are_made_of_rounded_factors_and_float64_is_left_alone():
    a = torch.tensor([[1 + 2.0**-9]], requires_grad=True)
    b = torch.tensor([[1 + 2.0**-9]])
    with RoundedFactors("bfloat16"):
        (a @ b).backward()
        doubled = a.double() @ b.double()
    assert a.grad.item() == 1.0
    assert doubled.item() == (1 + 2.0**-9) ** 2


@pytest.mark.parametrize("how", ["matmul", "linear", "einsum"])
def test_inference_mode_makes_no_difference(how):
    a, b = torch.full((2, 2), 1 + 2.0**-9), torch.eye(2)
    multiply = {
        "matmul": lambda: a @ b,
        "linear": lambda: torch.nn.functional.linear(a, b),
        "einsum": lambda: torch.einsum("ij,jk->ik", a, b),
    }[how]
    with RoundedFactors("bfloat16"):
        outside = multiply()
        with torch.inference_mode():
            inside = multiply()
    assert outside.tolist() == inside.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_what_evaluates_has_full_precision_and_the_setting_comes_back():
    a = torch.full((1, 1), 1 + 2.0**-9)
    with RoundedFactors("bfloat16"):
        with pytest.raises(KeyError), full_precision():
            exact = (a @ torch.eye(1)).item()
            raise KeyError
        after = (a @ torch.eye(1)).item()
    assert (exact, after) == (1 + 2.0**-9, 1.0)


def test_a_context_within_another_ends_alone():
    a = torch.full((1, 1), 1 + 2.0**-9)
    with RoundedFactors("bfloat16"), full_precision():
        with full_precision():
            pass
        assert (a @ torch.eye(1)).item() == 1 + 2.0**-9


@pytest.mark.parametrize("exact", ["first", "second"])
def test_full_precision_is_of_one_thread(exact):
    """Two threads of rounded factors, one of which is within the context while the other multiplies."""
    a, within, done = torch.full((1, 1), 1 + 2.0**-9), threading.Event(), threading.Event()

    def inside():
        with RoundedFactors("bfloat16"), full_precision():
            within.set()
            assert done.wait(60)
            return (a @ torch.eye(1)).item()

    def outside():
        with RoundedFactors("bfloat16"):
            assert within.wait(60)
            if exact == "second":
                with full_precision():
                    pass
            found = (a @ torch.eye(1)).item()
            done.set()
            return found

    with ThreadPoolExecutor(2) as threads:
        found = [thread.result() for thread in (threads.submit(inside), threads.submit(outside))]
    assert found == [1 + 2.0**-9, 1.0]


def test_a_step_of_training_differs_by_about_the_rounding():
    draws = torch.Generator().manual_seed(2)
    model = MultimodalRBM.initialise({"image": 8, "text": 6}, 10, draws, weight_std=0.5)
    batch = torch.rand(20, 14, generator=draws)
    objective = MultiPrediction(iterations=2, start_state="zeros")

    def gradient() -> torch.Tensor:
        own = torch.Generator().manual_seed(3)
        gradients, _ = objective.step(model, batch, objective.start(model, batch.mean(0), own), 1, own)
        return gradients.positive["weight"]

    exact = gradient()
    with RoundedFactors("bfloat16"):
        off = (gradient() - exact).norm() / exact.norm()
    assert 1e-4 < off < 3e-2
    torch.testing.assert_close(gradient(), exact, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("kind", "device", "units"),
    [
        ("float32", "cuda", "highest"),
        ("tf32", "cuda", "high"),
        ("bfloat16", "cuda", "high"),
        ("tf32", "cpu", "highest"),
    ],
)
def test_a_gpu_s_matrix_units_are_taken_where_they_are_asked_for(kind, device, units):
    code = (
        "import torch; from mvi.training.precision import set_precision; "
        f"set_precision('{kind}', '{device}'); print(torch.get_float32_matmul_precision())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == units


@pytest.mark.parametrize(("kind", "product"), [("float32", 1 + 2.0**-11), ("tf32", 1.0), ("bfloat16", 1.0)])
def test_the_setting_holds_until_the_process_ends(kind, product):
    code = (
        "import torch; from mvi.training.precision import set_precision; "
        f"set_precision('{kind}', 'cpu'); print((torch.eye(1) @ torch.full((1, 1), 1 + 2.0**-11)).item())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == product
