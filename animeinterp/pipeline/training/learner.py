"""The networks in training: one step, the running average of weights, and the complete state."""

from __future__ import annotations

import copy
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from animeinterp.configs.errors import TrainingError
from animeinterp.configs.sections import TrainingSection
from animeinterp.models.precision import channels_last, native_precision
from animeinterp.pipeline.training.batches import Batch, split
from animeinterp.pipeline.training.losses import (
    charbonnier,
    end_point_error,
    flow_loss,
    frame_loss,
    matching_loss,
)
from animeinterp.pipeline.training.networks import Networks, draw, parts_of, refine
from animeinterp.pipeline.training.phases import PhaseName, learning_rate, phase_at, set_learning
from animeinterp.pipeline.training.processes import Group

BETAS = (0.9, 0.99)
"""Betas of AdamW; the second suits gradients of flow, which change much from batch to batch."""
ALONE = Group()
MOST_SKIPPED = 10
"""Steps in a row with non-finite gradients before training stops."""


class _Share(NamedTuple):
    """What a part of a batch contributes."""

    values: dict[str, float]
    gradients: tuple[Tensor | None, ...]


class Learner:
    """Both networks in training.

    Parameters
    ----------
    networks
        To be trained, in place.
    section
        How.
    device
        Where; the networks are moved there.
    threads
        On a CPU, parts of a batch that are computed at the same time.
    group
        The processes that share each batch.

    Notes
    -----
    Each thread computes a part of the batch, with single-threaded Torch operators. If other programs use the
    same cores, this is several times as fast as multi-threaded operators, because threads inside oneDNN wait
    for each other by spinning. Gradients are added in a fixed order.
    """

    def __init__(
        self,
        networks: Networks,
        section: TrainingSection,
        device: torch.device,
        threads: int = 1,
        group: Group = ALONE,
    ) -> None:
        self._group = group
        self._parts = min(threads, section.batch) if device.type == "cpu" else 1
        self._threads = ThreadPoolExecutor(self._parts, "learner", initializer=_one_thread)
        if device.type == "cpu":
            _one_thread()
        self._section, self._device = section, device
        self._dtype = computing_dtype(section.precision, device)
        for network in parts_of(networks).values():
            channels_last(network.train().to(device))
        self.networks = networks
        self.averaged = copy.deepcopy(networks)
        """The running average, which is validated and saved."""
        for network in parts_of(self.averaged).values():
            network.eval().requires_grad_(False)
        self.step = 0
        """Steps done."""
        self.skipped = 0
        """The latest consecutive steps skipped because their gradients were not finite."""
        self.phase: PhaseName = phase_at(section, 0).name
        self._prepare()

    def learn(self, batch: Batch) -> dict[str, float]:
        """Perform the next step.

        Returns
        -------
        dict
            `loss` and what it is made of; `error`, the mean end-point error in px, where flows are learned;
            `norm` of the gradients before they are clipped.

        Raises
        ------
        TrainingError
            The loss, or the gradients of several steps in a row, are not finite. Weights are unchanged.
        """
        self._enter(phase_at(self._section, self.step).name)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self._section, self.step)
        own = split(batch, self._group.size)[self._group.rank]
        shares = list(self._threads.map(self._share, split(own, self._parts)))
        names = list(shares[0].values)
        sums = torch.tensor(
            [sum(share.values[name] for share in shares) for name in names],
            dtype=torch.float64,
            device=self._device,
        )
        self._group.add([sums])
        values = dict(zip(names, sums.tolist(), strict=True))
        if not math.isfinite(values["loss"]):
            found = ", ".join(f"{name} {value:g}" for name, value in values.items())
            raise TrainingError(self._complaint(f"the loss is not finite ({found})", batch))
        for parameter, *gradients in zip(self._learning, *(share.gradients for share in shares), strict=True):
            there = [gradient for gradient in gradients if gradient is not None]
            parameter.grad = torch.stack(there).sum(dim=0) if there else None
        self._group.add([parameter.grad for parameter in self._learning if parameter.grad is not None])
        norm = float(clip_grad_norm_(self._learning, self._section.clip))
        if math.isfinite(norm):
            self._optimiser.step()
            self._average()
            self.skipped = 0
        else:
            self.skipped += 1
            if self.skipped > MOST_SKIPPED:
                raise TrainingError(
                    self._complaint(f"the gradients of {self.skipped} steps in a row are not finite", batch)
                )
        self.step += 1
        return values | {"norm": norm}

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as tensors, numbers and text."""
        return {
            "step": self.step,
            "skipped": self.skipped,
            "phase": self.phase,
            "networks": {name: network.state_dict() for name, network in parts_of(self.networks).items()},
            "averaged": {name: network.state_dict() for name, network in parts_of(self.averaged).items()},
            "optimiser": self._optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned.

        Raises
        ------
        KeyError, RuntimeError, ValueError
            It is of another kind.
        """
        self.step, self.skipped, self.phase = state["step"], state["skipped"], state["phase"]
        self._prepare()
        for networks, name in ((self.networks, "networks"), (self.averaged, "averaged")):
            for part, network in parts_of(networks).items():
                network.load_state_dict(state[name][part], strict=True)
        self._optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])

    def autocast(self) -> torch.autocast:
        """Context in which convolutions use the configured precision."""
        # Without its cache, whose copies of weights would gather gradients in bfloat16.
        enabled = self._dtype != torch.float32
        return torch.autocast(self._device.type, self._dtype, enabled=enabled, cache_enabled=False)

    def _enter(self, phase: PhaseName) -> None:
        if phase == self.phase:
            return
        # The next phase starts from the average, which is better than the latest weights.
        for network, averaged in self._both():
            network.load_state_dict(averaged.state_dict())
        self.phase = phase
        self._prepare()

    def _prepare(self) -> None:
        self._learning = set_learning(self.networks, self.phase)
        phase = phase_at(self._section, self.step)
        self._optimiser = torch.optim.AdamW(
            self._learning, lr=phase.rate, betas=BETAS, weight_decay=phase.weight_decay
        )

    def _both(self) -> list[tuple[nn.Module, nn.Module]]:
        """Each network and its average."""
        return list(zip(parts_of(self.networks).values(), parts_of(self.averaged).values(), strict=True))

    def _average(self) -> None:
        # Short at first, so that the first, random weights are soon forgotten.
        keep = min(self._section.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for network, averaged in self._both():
                torch._foreach_lerp_(
                    list(averaged.parameters()), [p.detach() for p in network.parameters()], 1 - keep
                )

    def _share(self, part: Batch) -> _Share:
        """Losses and gradients of a part of a batch, weighted by its size."""
        weight = len(part.positions) / self._section.batch
        with torch.enable_grad():
            loss, parts = self._losses(part.to(self._device))
            # Not into the parameters themselves, which other threads use.
            gradients = torch.autograd.grad(weight * loss, self._learning, allow_unused=True)
        values = {name: weight * float(value.detach()) for name, value in {"loss": loss, **parts}.items()}
        return _Share(values, gradients)

    def _losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        section, phase = self._section, self.phase
        with self.autocast():
            refined = refine(self.networks, batch, every=phase != "synthesis")
            frame = None if phase == "flow" else draw(self.networks, batch, refined)
        parts: dict[str, Tensor] = {}
        loss = batch.truth.new_zeros(())
        if phase != "synthesis" and batch.exact:
            parts["flow"] = flow_loss(
                refined.flows,
                batch.truth,
                batch.occluded,
                gamma=section.gamma,
                occluded_weight=section.occluded_weight,
            )
            if section.matching_weight:
                parts["matching"] = matching_loss(refined.matched, batch.truth, batch.occluded)
            parts["error"] = end_point_error(refined.flows[-1].detach(), batch.truth).mean()
            found = parts["flow"] + section.matching_weight * parts.get("matching", 0)
            loss = loss + found * (1.0 if phase == "flow" else section.flow_weight)
        if frame is not None:
            parts["frame"] = frame_loss(frame, batch.middle, section.pyramid_weight)
            parts["difference"] = charbonnier(frame.detach(), batch.middle)
            loss = loss + parts["frame"]
        return loss, parts

    def _complaint(self, what: str, batch: Batch) -> str:
        return (
            f"step {self.step}, phase {self.phase}: {what}, on scenes {list(batch.positions)}; expected "
            f"numbers. Lower training.{self.phase}.rate or training.clip, or inspect these scenes"
        )


def _one_thread() -> None:
    torch.set_num_threads(1)


def computing_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The precision of convolutions: `auto` is bfloat16 where there are instructions for it."""
    if precision == "auto":
        # In float16 gradients would have to be scaled.
        on_gpu = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bfloat16" if on_gpu else native_precision("cpu")
    return torch.bfloat16 if precision == "bfloat16" else torch.float32
