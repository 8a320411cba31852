from __future__ import annotations

import torch

from animeinterp.models.reproducible import reproducible


def test_cudnn_is_exact_inside_and_as_before_outside() -> None:
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32, cudnn.deterministic
    with reproducible():
        assert (cudnn.allow_tf32, cudnn.deterministic) == (False, True)
    assert (cudnn.allow_tf32, cudnn.deterministic) == before
