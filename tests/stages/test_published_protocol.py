"""Each clause of the published protocol, computed again from its definition on fixed images."""

from __future__ import annotations

import math

import numpy as np
import pytest

from animeinterp.configs.sections import EvaluationSection
from animeinterp.stages.evaluation import evaluate_frame
from animeinterp.stages.evaluation.ground_truth import scale_region
from animeinterp.stages.evaluation.line_distance import chamfer_line_distance, find_lines

HEIGHT, WIDTH = 30, 41
SECTION = EvaluationSection()


def drawing(shift: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A disc with an outline on a ground of slow waves, uint8; the disc stands `shift` px further right."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    picture = np.stack([130 + 60 * np.sin(x / 5 + c) + 40 * np.cos(y / 4 - c) for c in range(3)], axis=-1)
    distance = np.hypot(x - 0.4 * width - shift, y - 0.5 * height)
    picture[distance < 9] = (90, 120, 200)
    picture[(distance >= 8) & (distance < 10)] = (15, 10, 5)
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


@pytest.fixture
def prediction() -> np.ndarray:
    """Not quantised, and beyond 0..1 in places."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    wave = 0.08 * np.sin(1.7 * x + 0.9 * y)[..., None]
    return (drawing(2) / 255 * 1.1 - 0.03 + wave).astype(np.float32)


@pytest.fixture
def truth() -> np.ndarray:
    return drawing(0)


def compared(prediction: np.ndarray, truth: np.ndarray) -> tuple[list, list]:
    """What is compared, as nested lists of Python's own floats."""
    clamped = np.minimum(np.maximum(prediction, np.float32(0)), np.float32(1))
    assert (clamped != prediction).any()
    return clamped.tolist(), (truth.astype(np.float32) / np.float32(255)).tolist()


def test_psnr(prediction: np.ndarray, truth: np.ndarray) -> None:
    ours, theirs = compared(prediction, truth)
    squares = [
        (ours[y][x][c] - theirs[y][x][c]) ** 2 for y in range(HEIGHT) for x in range(WIDTH) for c in range(3)
    ]
    expected = 10 * math.log10(1**2 / (math.fsum(squares) / len(squares)))
    assert evaluate_frame(prediction, truth, None, None, SECTION)["psnr"] == pytest.approx(
        expected, rel=1e-12
    )


def test_interpolation_error(prediction: np.ndarray, truth: np.ndarray) -> None:
    ours, theirs = compared(prediction, truth)
    lengths = [
        math.sqrt(sum((255 * (a - b)) ** 2 for a, b in zip(ours[y][x], theirs[y][x], strict=True)))
        for y in range(HEIGHT)
        for x in range(WIDTH)
    ]
    expected = math.fsum(lengths) / len(lengths)
    assert evaluate_frame(prediction, truth, None, None, SECTION)["ie"] == pytest.approx(expected, rel=1e-12)


def ssim_by_windows(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Wang et al. 2004, equation 13, in every window of 7x7 px inside the frame; data range 2."""
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    values = []
    for c in range(3):
        for y in range(ours.shape[0] - 6):
            for x in range(ours.shape[1] - 6):
                a, b = (frame[y : y + 7, x : x + 7, c].astype(np.float64).ravel() for frame in (ours, theirs))
                (va, vab), (_, vb) = np.cov(a, b)  # over 48, the sample's
                luminance = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
                values.append(luminance * (2 * vab + c2) / (va + vb + c2))
    return math.fsum(values) / len(values)


def test_ssim(prediction: np.ndarray, truth: np.ndarray) -> None:
    ours, theirs = (np.array(frame) for frame in compared(prediction, truth))
    scores = evaluate_frame(prediction, truth, None, None, SECTION)
    assert scores["ssim"] == pytest.approx(ssim_by_windows(ours, theirs), rel=1e-9)


@pytest.mark.parametrize(
    ("image_size", "size"),
    [
        ((1920, 1080), (540, 960)),
        ((1280, 720), (540, 960)),
        ((960, 540), (540, 960)),
        ((1000, 777), (540, 960)),
        ((720, 540), (541, 963)),
    ],
)
def test_region_is_rounded_number_by_number(image_size: tuple[int, int], size: tuple[int, int]) -> None:
    scales = image_size[0] / size[1], image_size[1] / size[0]
    for first in range(0, 700, 13):
        roi = (first, first / 2 + 0.5, 611.25 - first / 2, first + 1)
        x, y, width, height = (int(v // scales[k % 2]) for k, v in enumerate(roi))
        rows, columns = scale_region(roi, image_size, size)
        assert (rows.start, rows.stop) == (y, y + height)
        assert (columns.start, columns.stop) == (x, x + width)


def test_scores_of_the_region(prediction: np.ndarray, truth: np.ndarray) -> None:
    # Annotated at 2.5 times the size: x 12, y 7, width 20, height 15 of the frame.
    image_size = (int(WIDTH * 2.5), int(HEIGHT * 2.5))
    scales = image_size[0] / WIDTH, image_size[1] / HEIGHT
    roi = (31.0, 18.0, 51.0, 38.5)
    x, y, width, height = (int(v // scales[k % 2]) for k, v in enumerate(roi))
    window = slice(y, y + height), slice(x, x + width)
    ours, theirs = (np.array(frame)[window] for frame in compared(prediction, truth))
    scores = evaluate_frame(prediction, truth, roi, image_size, SECTION)
    assert (x, y, width, height) == (12, 7, 20, 15)
    assert scores["psnr_roi"] == pytest.approx(-10 * math.log10(np.mean((ours - theirs) ** 2)), rel=1e-12)
    lengths = np.linalg.norm(255 * (ours - theirs), axis=2)
    assert scores["ie_roi"] == pytest.approx(lengths.mean(), rel=1e-12)
    assert scores["ssim_roi"] == pytest.approx(ssim_by_windows(ours, theirs), rel=1e-9)


def lanczos(values: np.ndarray, length: int) -> np.ndarray:
    """Resize the first axis by a Lanczos kernel of 3 lobes, widened by the scale against aliasing; 8 bits."""
    scale = len(values) / length
    resized = np.zeros((length, *values.shape[1:]))
    for k in range(length):
        centre = (k + 0.5) * scale
        first, last = max(0, int(centre - 3 * scale + 0.5)), min(len(values), int(centre + 3 * scale + 0.5))
        at = (np.arange(first, last) + 0.5 - centre) / scale
        weights = np.where(np.abs(at) < 3, np.sinc(at) * np.sinc(at / 3), 0)
        resized[k] = np.tensordot(weights / weights.sum(), values[first:last].astype(np.float64), axes=1)
    return np.clip(np.floor(resized + 0.5), 0, 255)


@pytest.mark.parametrize("size", [(60, 82), (45, 61), (97, 123)])
def test_truth_of_another_size_is_resized_with_antialiased_lanczos(
    prediction: np.ndarray, size: tuple[int, int]
) -> None:
    large = drawing(0, *size)
    across = lanczos(large.transpose(1, 0, 2), WIDTH).transpose(1, 0, 2)
    fitted = lanczos(across, HEIGHT)
    found = evaluate_frame(prediction, large, None, None, SECTION)
    expected = evaluate_frame(prediction, fitted.astype(np.uint8), None, None, SECTION)
    # Levels may differ by one where fixed-point weights round otherwise.
    for name in ("psnr", "ssim", "ie"):
        assert found[name] == pytest.approx(expected[name], rel=2e-4, abs=1e-4)
    nearest = large[:: size[0] // HEIGHT, :: size[1] // WIDTH][:HEIGHT, :WIDTH]
    aliased = evaluate_frame(prediction, nearest, None, None, SECTION)
    assert abs(aliased["psnr"] - expected["psnr"]) > 0.02


def blurred(gray: np.ndarray, sigma: float, size: int) -> np.ndarray:
    half = size // 2
    kernel = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(gray, half, mode="edge")
    rows = sum(kernel[k] * padded[k : k + gray.shape[0]] for k in range(size))
    return np.asarray(sum(kernel[k] * rows[:, k : k + gray.shape[1]] for k in range(size)))


def lines_of(frame: np.ndarray) -> np.ndarray:
    gray = frame.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return 0.5 + 2 * (blurred(gray, 1.6, 13) - blurred(gray, 1.0, 9)) - 0.01 > 0.5


def distance_to(lines: np.ndarray) -> np.ndarray:
    """Distance of every pixel to the nearest line, by looking at all of them."""
    points = np.argwhere(lines)
    grid = np.stack(np.mgrid[0 : lines.shape[0], 0 : lines.shape[1]], axis=-1)
    return np.asarray(np.linalg.norm(grid[:, :, None] - points, axis=-1).min(axis=2))


def test_chamfer_line_distance() -> None:
    frames = [(drawing(shift) / 255).astype(np.float32) for shift in (3, 0)]
    predicted, wanted = (lines_of(frame) for frame in frames)
    for frame, lines in zip(frames, (predicted, wanted), strict=True):
        np.testing.assert_array_equal(find_lines(frame), lines)
        assert 0 < lines.mean() < 0.3
    there, back = np.mean(wanted * distance_to(predicted)), np.mean(predicted * distance_to(wanted))
    expected = (there + back) / 2 / math.hypot(HEIGHT, WIDTH)
    assert chamfer_line_distance(*frames) == pytest.approx(expected, rel=1e-5)


def test_chamfer_to_a_frame_without_lines() -> None:
    frame, flat = (drawing(0) / 255).astype(np.float32), np.full((HEIGHT, WIDTH, 3), 0.4, np.float32)
    # There the distance is the diagonal everywhere, and no line leads back.
    assert chamfer_line_distance(flat, frame) == pytest.approx(lines_of(frame).mean() / 2, rel=1e-6)
