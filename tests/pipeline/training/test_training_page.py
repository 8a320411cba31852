"""The page of a training: curves and pictures of what the log and its folder hold."""

from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animeinterp.configs.files import json_lines
from animeinterp.pipeline.pages.training.training_page import write_training_page
from animeinterp.pipeline.training.checkpoints import LOG, PICTURES
from animeinterp.pipeline.training.loop import train
from tests.pipeline.training.tiny_plans import MakePlan


@pytest.mark.slow
def test_curves_and_pictures_are_those_of_the_training(sets: Path, plan_of: MakePlan) -> None:
    plan = plan_of(
        validation_scenes=sets / "validation", flow__steps=3, joint__steps=2, validation_minutes=1e-6
    )
    train(plan)
    page = write_training_page(plan.folder)
    text = page.read_text(encoding="utf-8")
    assert plan.fingerprint in text
    entries = json_lines(plan.folder / LOG)
    validations = [entry for entry in entries if entry["kind"] == "validation"]
    assert f"refined: {validations[-1]['error']:.4g}" in text
    assert f"frame: {validations[-1]['psnr']:.4g}" in text
    for title in ("End-point error, held-out scenes, px", "Losses", "Frame losses", "Learning rate"):
        assert f"<h2>{title}</h2>" in text
    points = re.findall(r'<polyline class="curve0" points="([^"]*)"', text)
    assert len(points[0].split()) == len(validations)
    files = sorted((plan.folder / PICTURES).glob("*.jpg"))
    assert [int(file.stem) for file in files] == [entry["step"] for entry in validations]
    shown = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', text)
    assert b64decode(shown[0]) == files[-1].read_bytes()
    picture = np.asarray(Image.open(BytesIO(files[-1].read_bytes())))
    assert picture.std() > 10
    assert "http://" not in text
    assert "https://" not in text


def test_a_training_that_has_not_begun_has_a_page(plan_of: MakePlan) -> None:
    plan = plan_of(flow__steps=1)
    train(plan, minutes=0)
    assert "<svg" not in write_training_page(plan.folder).read_text(encoding="utf-8").split("Losses")[0]
