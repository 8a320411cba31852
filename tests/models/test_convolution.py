from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from animeinterp.models import convolution
from animeinterp.models.convolution import Convolution, convolve


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 3), (1, (0, 2))])
def test_float32_is_torchs_own(stride: int, padding: int | tuple[int, int], seeded: torch.Generator) -> None:
    ours = Convolution(3, 5, (1, 5) if padding == (0, 2) else 7, stride=stride, padding=padding)
    plain = nn.Conv2d(3, 5, ours.kernel_size, stride=stride, padding=padding)
    plain.load_state_dict(ours.state_dict())
    x = torch.rand(2, 3, 16, 17, generator=seeded)
    assert torch.equal(ours(x), plain(x))


@pytest.mark.parametrize("native", [True, False])
def test_inputs_come_to_the_precision_of_the_weights(
    native: bool, seeded: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "_computes_in", lambda weight: native)
    x, weight = (torch.rand(1, 4, n, n, generator=seeded) for n in (12, 3))
    found = convolve(x, weight.bfloat16(), torch.ones(1, dtype=torch.bfloat16), padding=(1, 1))
    assert found.dtype == torch.bfloat16
    exact = convolve(x.bfloat16().float(), weight.bfloat16().float(), torch.ones(1), padding=(1, 1))
    torch.testing.assert_close(found.float(), exact, rtol=2**-8, atol=0)  # one rounding, at the end


@pytest.mark.parametrize(("dtype", "kind"), [(torch.bfloat16, "bf16"), (torch.float16, "fp16")])
def test_a_cpu_is_asked_what_it_computes_in(
    dtype: torch.dtype, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer in (True, False):
        library = SimpleNamespace(**{f"_is_mkldnn_{kind}_supported": lambda answer=answer: answer})
        monkeypatch.setattr(torch.ops, "mkldnn", library)
        assert convolution._computes_in(torch.zeros(1, dtype=dtype)) is answer
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    assert not convolution._computes_in(torch.zeros(1, dtype=dtype))
    assert convolution._computes_in(torch.zeros(1, dtype=dtype, device="meta"))
