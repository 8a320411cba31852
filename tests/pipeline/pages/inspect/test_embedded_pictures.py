from __future__ import annotations

import base64

import numpy as np
import pytest

from animeinterp.pipeline.pages.inspect.embedded_pictures import (
    FLOW_STEP,
    WEBP_LARGEST,
    colors_text,
    data_uri,
    flow_picture,
    label_picture,
    photo,
    scalar_picture,
)
from tests.page_pictures import decode, decode_flow, decode_labels, decode_scalars

RNG = np.random.default_rng(0)


def test_photos_are_lossless() -> None:
    frame = RNG.integers(0, 256, (23, 31, 3), np.uint8)
    picture = photo(frame)
    assert (picture["kind"], picture["size"]) == ("photo", [23, 31])
    np.testing.assert_array_equal(decode(picture), frame)
    gray = frame[..., 0]
    np.testing.assert_array_equal(decode(photo(gray))[..., 1], gray)


def test_labels_of_any_number_come_back() -> None:
    label_map = np.array([[0, 255, 256], [65535, 65536, 70001]], np.int32)
    np.testing.assert_array_equal(decode_labels(label_picture(label_map)), label_map)


@pytest.mark.parametrize("longest", [0.001, 3.0, 900.0])
def test_flows_come_back_to_half_a_step(longest: float) -> None:
    flow = RNG.uniform(-longest, longest, (2, 12, 17)).astype(np.float32)
    flow[:, 0, 0] = 0
    picture = flow_picture(flow)
    assert picture["step"] == FLOW_STEP
    decoded = decode_flow(picture)
    np.testing.assert_allclose(decoded, flow, atol=FLOW_STEP / 2)
    assert (decoded[:, 0, 0] == 0).all()


def test_very_long_flows_get_a_coarser_step() -> None:
    flow = np.array([[[-5000.0, 4000.0]], [[0.0, 1.0]]], np.float32)
    picture = flow_picture(flow)
    assert FLOW_STEP < picture["step"] < 0.2
    np.testing.assert_allclose(decode_flow(picture), flow, atol=picture["step"] / 2 + 1e-6)


def test_scalars_come_back_to_half_a_level() -> None:
    values = RNG.uniform(0, 4, (9, 8)).astype(np.float32)
    np.testing.assert_allclose(decode_scalars(scalar_picture(values, 0, 4)), values, atol=4 / 255 / 2 + 1e-6)
    clipped = decode_scalars(scalar_picture(np.array([[-1.0, 9.0]]), 0, 4))
    np.testing.assert_allclose(clipped, [[0, 4]])
    errors = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_allclose(decode_scalars(scalar_picture(errors, 0, 255)), errors, atol=1e-9)


def test_on_a_logarithmic_scale_only_nothing_is_nothing() -> None:
    weights = np.array([[0, 1e-9, 1e-9, 0.5, 3.0]], np.float32)
    decoded = decode_scalars(scalar_picture(weights, 1e-9, 3.0, logarithmic=True))
    np.testing.assert_array_equal(decoded == 0, weights == 0)
    np.testing.assert_allclose(decoded[weights > 0], weights[weights > 0], rtol=0.05)


def test_colours_are_bytes() -> None:
    colors = np.array([[1, 2, 3], [250, 0, 9]], np.uint8)
    assert base64.b64decode(colors_text(colors)) == bytes([1, 2, 3, 250, 0, 9])
    assert colors_text(np.zeros((0, 3), np.uint8)) == ""


def test_pictures_too_large_for_webp_are_png() -> None:
    uri = data_uri(np.zeros((WEBP_LARGEST + 1, 2), np.uint8))
    assert uri.startswith("data:image/png;base64,")
    assert decode({"uri": uri}).shape == (WEBP_LARGEST + 1, 2, 3)
