from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_filter, uniform_filter

from animeinterp.configs.sections import EvaluationSection
from animeinterp.models.lpips import LPIPS
from animeinterp.stages.evaluation import evaluate_frame
from animeinterp.stages.evaluation.ground_truth import scale_region
from animeinterp.stages.evaluation.line_distance import chamfer_line_distance, find_lines
from animeinterp.stages.metrics import FRAME_METRICS

SECTION = EvaluationSection()


@pytest.fixture
def frames() -> tuple[np.ndarray, np.ndarray]:
    """Prediction (float) and truth (uint8), drawn a little apart, with noise."""
    rng = np.random.default_rng(4)
    pictures = []
    for shift in (0, 2):
        picture = np.full((48, 64, 3), (220, 200, 180), np.uint8)
        cv2.circle(picture, (30 + shift, 24), 14, (90, 120, 200), -1)
        cv2.circle(picture, (30 + shift, 24), 14, (10, 10, 10), 1)
        pictures.append(picture)
    prediction = pictures[0] / 255 + rng.normal(0, 0.02, (48, 64, 3))
    return prediction.astype(np.float32), pictures[1]


def ssim_by_formula(a: np.ndarray, b: np.ndarray, data_range: float, gaussian: bool, crop: int) -> float:
    """Wang et al. 2004, equation 13, averaged over channels and pixels away from the border."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for channel in range(3):
        x, y = a[..., channel].astype(np.float64), b[..., channel].astype(np.float64)

        def mean(image: np.ndarray) -> np.ndarray:
            if gaussian:
                return gaussian_filter(image, 1.5, truncate=3.5)
            return uniform_filter(image, 7)

        sample = 1 if gaussian else 49 / 48
        mx, my = mean(x), mean(y)
        vx, vy, vxy = (
            sample * (mean(p * q) - mp * mq)
            for p, q, mp, mq in ((x, x, mx, mx), (y, y, my, my), (x, y, mx, my))
        )
        ssim = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        values.append(ssim[crop:-crop, crop:-crop].mean())
    return float(np.mean(values))


def test_whole_frame_by_formulas(frames):
    prediction, truth = frames
    scores = evaluate_frame(prediction, truth, None, None, SECTION)
    assert tuple(scores) == FRAME_METRICS
    assert all(type(score) is float for score in scores.values())
    clamped, wanted = np.clip(prediction, 0, 1).astype(np.float64), truth / 255
    difference = clamped - wanted
    assert scores["psnr"] == pytest.approx(10 * math.log10(1 / np.mean(difference**2)), rel=1e-6)
    assert scores["ie"] == pytest.approx(np.mean(np.linalg.norm(255 * difference, axis=2)), rel=1e-6)
    assert scores["ssim"] == pytest.approx(ssim_by_formula(clamped, wanted, 2, False, 3), rel=1e-6)
    assert scores["ssim_gaussian"] == pytest.approx(ssim_by_formula(clamped, wanted, 1, True, 5), rel=1e-6)
    assert math.isnan(scores["psnr_roi"])
    assert math.isnan(scores["ssim_roi"])
    assert math.isnan(scores["ie_roi"])


def test_region_is_the_crop(frames):
    prediction, truth = frames
    # The annotated image is 1.5 times as large; 13.5, 10, 40, 31 become 9, 6, 26, 20.
    scores = evaluate_frame(prediction, truth, (13.5, 10, 40, 31), (96, 72), SECTION)
    window = (slice(6, 26), slice(9, 35))
    crop = evaluate_frame(
        np.ascontiguousarray(prediction[window]), np.ascontiguousarray(truth[window]), None, None, SECTION
    )
    for name in ("psnr", "ssim", "ie"):
        assert scores[f"{name}_roi"] == crop[name]
        assert scores[f"{name}_roi"] != scores[name]


def test_region_of_the_whole_frame(frames):
    scores = evaluate_frame(*frames, (0, 0, 64, 48), None, SECTION)
    for name in ("psnr", "ssim", "ie"):
        assert scores[f"{name}_roi"] == scores[name]


@pytest.mark.parametrize(
    ("roi", "image_size", "rows", "columns"),
    [
        ((0, 0, 1920, 1080), (1920, 1080), (0, 540), (0, 960)),
        ((3, 5, 7, 9), (1920, 1080), (2, 6), (1, 4)),
        ((100, 50, 200, 100), (1280, 720), (37, 112), (75, 225)),
        ((950, 530, 99, 99), (960, 540), (530, 629), (950, 1049)),
    ],
)
def test_scale_region(roi, image_size, rows, columns):
    assert scale_region(roi, image_size, (540, 960)) == (slice(*rows), slice(*columns))


def test_small_or_empty_regions(frames):
    small = evaluate_frame(*frames, (3, 3, 6, 20), None, SECTION)
    assert math.isnan(small["ssim_roi"])
    assert math.isfinite(small["psnr_roi"])
    assert math.isfinite(small["ie_roi"])
    for roi in ((3, 3, 0, 20), (64, 0, 9, 9)):
        empty = evaluate_frame(*frames, roi, None, SECTION)
        assert math.isnan(empty["psnr_roi"])
        assert math.isnan(empty["ie_roi"])


def test_small_frames():
    frame = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    scores = evaluate_frame(np.zeros((9, 9, 3), np.float32), frame, None, None, SECTION)
    assert math.isfinite(scores["ssim"])
    assert math.isnan(scores["ssim_gaussian"])
    scores = evaluate_frame(np.zeros((1, 1, 3), np.float32), frame[:1, :1], None, None, SECTION)
    assert math.isnan(scores["ssim"])
    assert math.isfinite(scores["psnr"])
    assert math.isfinite(scores["chamfer"])


def test_perfect_prediction(frames):
    truth = frames[1]
    scores = evaluate_frame(truth / np.float32(255), truth, (5, 5, 30, 30), None, SECTION)
    assert scores["psnr"] == scores["psnr_roi"] == math.inf
    assert scores["ie"] == scores["chamfer"] == 0
    assert scores["ssim"] == pytest.approx(1)
    assert scores["ssim_gaussian"] == pytest.approx(1)


def test_prediction_is_clamped_not_quantised(frames):
    truth = np.full((20, 20, 3), 255, np.uint8)
    over = evaluate_frame(np.full((20, 20, 3), 1.5, np.float32), truth, None, None, SECTION)
    assert over["psnr"] == math.inf
    near = evaluate_frame(np.full((20, 20, 3), 1 - 1e-4, np.float32), truth, None, None, SECTION)
    assert near["psnr"] == pytest.approx(80, rel=1e-3)


def test_float_truth_is_the_same(frames):
    prediction, truth = frames
    assert evaluate_frame(prediction, truth / np.float32(255), None, None, SECTION) == pytest.approx(
        evaluate_frame(prediction, truth, None, None, SECTION), rel=1e-6, nan_ok=True
    )


def test_truth_is_resized_with_antialiased_lanczos(frames):
    prediction, truth = frames
    large = np.asarray(Image.fromarray(truth).resize((128, 97), Image.Resampling.BICUBIC))
    small = np.asarray(Image.fromarray(large).resize((64, 48), Image.Resampling.LANCZOS))
    wanted = evaluate_frame(prediction, small, None, None, SECTION)
    assert evaluate_frame(prediction, large, None, None, SECTION) == pytest.approx(wanted, nan_ok=True)
    # A float truth is not rounded in between, so nearly the same.
    as_float = evaluate_frame(prediction, large / np.float32(255), None, None, SECTION)
    assert as_float["psnr"] == pytest.approx(wanted["psnr"], abs=0.05)


def test_optional_scores_can_be_left_out(frames):
    scores = evaluate_frame(*frames, None, None, EvaluationSection(conventional_ssim=False, chamfer=False))
    assert tuple(scores) == FRAME_METRICS
    assert math.isnan(scores["ssim_gaussian"])
    assert math.isnan(scores["chamfer"])


def test_chamfer_by_formula(frames):
    prediction, truth = np.clip(frames[0], 0, 1), frames[1] / np.float32(255)
    lines = []
    for frame in (prediction, truth):
        gray = frame.astype(np.float64) @ (0.299, 0.587, 0.114)
        # Kernels of 13 and 9 px: radii of 6 and 4, the border replicated.
        coarse = gaussian_filter(gray, 1.6, truncate=6 / 1.6, mode="nearest")
        fine = gaussian_filter(gray, 1.0, truncate=4, mode="nearest")
        lines.append(0.5 + 2 * (coarse - fine) - 0.01 > 0.5)
    np.testing.assert_array_equal(find_lines(truth), lines[1])
    assert lines[1].any()
    expected = sum(np.mean(here * distance_transform_edt(~there)) for here, there in (lines, reversed(lines)))
    expected /= 2 * math.hypot(48, 64)
    assert chamfer_line_distance(prediction, truth) == pytest.approx(expected, rel=0.02)


def test_chamfer_without_lines(frames):
    flat, truth = np.full((48, 64, 3), 0.5, np.float32), frames[1] / np.float32(255)
    assert chamfer_line_distance(flat, flat) == 0
    assert chamfer_line_distance(flat, truth) == pytest.approx(find_lines(truth).mean() / 2)


@pytest.fixture(scope="module")
def lpips() -> LPIPS:
    """On AlexNet, of random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = LPIPS("alexnet")
        for head in network.heads:
            torch.nn.init.uniform_(head)
    return network.eval().requires_grad_(False)


def test_lpips_is_that_of_the_clamped_frames(frames, lpips):
    prediction, truth = frames
    scores = evaluate_frame(prediction, truth, None, None, SECTION, lpips)
    images = [
        torch.from_numpy(np.ascontiguousarray(frame, np.float32)).permute(2, 0, 1)[None]
        for frame in (np.clip(prediction, 0, 1), truth / 255)
    ]
    assert scores["lpips"] == pytest.approx(float(lpips(*images)), rel=1e-5)
    assert scores["lpips"] > 0
    assert evaluate_frame(truth / np.float32(255), truth, None, None, SECTION, lpips)["lpips"] == 0
    assert math.isnan(evaluate_frame(prediction, truth, None, None, SECTION)["lpips"])


def test_frames_too_small_for_lpips_have_none(lpips):
    frame = np.zeros((lpips.smallest_side - 1, 64, 3), np.float32)
    assert math.isnan(evaluate_frame(frame, frame, None, None, SECTION, lpips)["lpips"])


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3)])
def test_refuses_what_is_no_frame(shape):
    good = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(ValueError, match="prediction has shape"):
        evaluate_frame(np.zeros(shape, np.float32), good, None, None, SECTION)
    with pytest.raises(ValueError, match="truth has shape"):
        evaluate_frame(good, np.zeros(shape, np.uint8), None, None, SECTION)


def test_refuses(frames):
    prediction, truth = frames
    with pytest.raises(ValueError, match="not finite"):
        evaluate_frame(np.where(prediction > 0.5, np.float32(np.nan), prediction), truth, None, None, SECTION)
    with pytest.raises(ValueError, match="image_size"):
        evaluate_frame(prediction, truth, (0, 0, 9, 9), (0, 540), SECTION)
    with pytest.raises(ValueError, match="roi is"):
        evaluate_frame(prediction, truth, (-1, 0, 9, 9), None, SECTION)
