from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.sections import PAPER_LAYERS, RELEASED_LAYERS, MatchingSection, SegmentationSection
from animeinterp.data.cartoon import draw_triplet
from animeinterp.models.vgg19 import random_vgg19
from animeinterp.stages.features import describe_pieces, normalise, pool_frame, pool_pieces
from animeinterp.stages.matching import match_pieces
from animeinterp.stages.segmentation import segment
from tests.plain import features as plain

LAYERS = {"relu_1": RELEASED_LAYERS, "relu_last": PAPER_LAYERS}
RELEASED_MATCHING = MatchingSection(distance_limit=0.14, keep_affinity=True)


@pytest.fixture(scope="module")
def both_networks():
    return random_vgg19([layer for pair in zip(*LAYERS.values(), strict=True) for layer in pair], 0)


@pytest.fixture(scope="module")
def network():
    return random_vgg19(PAPER_LAYERS, 0)


def test_golden(golden_case, both_networks):
    # One pass through the network serves both choices of layers, whose channels alternate block by block.
    last = np.concatenate([np.repeat([False, True], size) for size in (64, 128, 256, 512)])
    pooled = [
        pool_frame(frame, pieces.label_map, pieces.count, both_networks)
        for frame, pieces in zip(golden_case.frames, golden_case.pieces, strict=True)
    ]
    for layers in golden_case.layers:
        columns = last if layers == "relu_last" else ~last
        golden = golden_case.load(f"{layers}.matching")
        for found, key in zip(pooled, ("pooled_1", "pooled_3"), strict=True):
            wanted = golden[key].T
            np.testing.assert_allclose(found[:, columns], wanted, rtol=0, atol=5e-5 * wanted.max())
        features = [normalise(found[:, columns]) for found in pooled]
        affinity = match_pieces(*features, *golden_case.pieces, RELEASED_MATCHING).affinity
        np.testing.assert_allclose(affinity, golden["affinity"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("style", ["Japan", "Disney"])
def test_drawn_cartoons_as_slow_version(style, network):
    frame = draw_triplet(3, style=style, size=(90, 141)).frame0
    preset = SegmentationSection().anime if style == "Japan" else SegmentationSection().disney
    pieces = segment(frame, preset)
    image = torch.from_numpy(frame.astype(np.float32).transpose(2, 0, 1)[None] / 255)
    with torch.inference_mode():
        maps = [feature_map[0].numpy() for feature_map in network(image)]
    arguments = pieces.label_map, pieces.count
    pooled, wanted = pool_frame(frame, *arguments, network), plain.pool_maps(maps, *arguments)
    np.testing.assert_allclose(pooled, wanted, rtol=0, atol=1e-5 * wanted.max())
    features, wanted = describe_pieces(frame, *arguments, network), plain.describe(maps, *arguments)
    np.testing.assert_allclose(features, wanted, rtol=0, atol=1e-5 * wanted.max())


@settings(max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    count=st.integers(1, 9),
    channels=st.lists(st.integers(1, 4), min_size=1, max_size=5),
)
def test_as_slow_version(seed, height, width, count, channels):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, count, (height, width)).astype(np.int32)
    maps = [
        rng.normal(0, 100, (c, height >> scale, width >> scale)).astype(np.float32)
        for scale, c in enumerate(channels)
    ]

    def network(image):
        return (torch.from_numpy(feature_map)[None] for feature_map in maps)

    frame = np.zeros((height, width, 3), np.uint8)
    pooled = pool_frame(frame, labels, count, network)
    np.testing.assert_allclose(pooled, plain.pool_maps(maps, labels, count), rtol=1e-6, atol=1e-5)
    features = describe_pieces(frame, labels, count, network)
    np.testing.assert_allclose(features, plain.describe(maps, labels, count), rtol=1e-4, atol=1e-6)


def test_sums_run_in_double_precision_in_raster_order():
    values = np.array([1e9, 1, -1e9, 1e-3, 1e9, 3e-4, -1e9, 7], np.float32)
    total = 0.0
    for value in values:
        total += float(value)
    pooled = pool_pieces(torch.from_numpy(values.reshape(1, 2, 4)), np.zeros((2, 4), np.int32), 1)
    assert pooled[0, 0] == np.float32(total / values.size)


def test_pooling_reads_any_order_in_memory_and_any_float():
    values = torch.rand(5, 6, 7)
    labels = np.random.default_rng(0).integers(0, 3, (6, 7)).astype(np.int32)
    wanted = pool_pieces(values, labels, 3)
    channels_last = values.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    np.testing.assert_array_equal(pool_pieces(channels_last, labels, 3), wanted)
    np.testing.assert_array_equal(pool_pieces(values, np.asfortranarray(labels), 3), wanted)
    rounded = values.to(torch.bfloat16)
    np.testing.assert_array_equal(pool_pieces(rounded, labels, 3), pool_pieces(rounded.float(), labels, 3))


def test_each_map_is_pooled_before_the_next_is_made():
    def network(image):
        buffer = torch.empty(1, 1, 4, 4)
        for value in (1.0, 2.0):
            yield buffer.fill_(value)

    pooled = pool_frame(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.int32), 1, network)
    np.testing.assert_array_equal(pooled, [[1, 2]])


def test_convolutions_are_not_rounded_and_repeat_themselves():
    def network(image):
        assert torch.is_inference_mode_enabled()
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.allow_tf32
        yield image

    before = torch.backends.cudnn.allow_tf32
    pool_frame(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.int32), 1, network)
    assert torch.backends.cudnn.allow_tf32 == before


def test_threads_change_nothing(drawn_frame, network):
    labels = np.zeros(drawn_frame.shape[:2], np.int32)
    labels[20:60, 30:70] = 1
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(describe_pieces(drawn_frame, labels, 2, network))
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


@pytest.mark.gpu
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 5e-5), (torch.bfloat16, 2e-2)])
def test_cuda_gives_the_features_of_the_cpu(dtype, tolerance):
    frame = draw_triplet(3, style="Japan", size=(270, 480)).frame0
    pieces = segment(frame, SegmentationSection().anime)
    arguments = frame, pieces.label_map, pieces.count
    wanted = pool_frame(*arguments, random_vgg19(PAPER_LAYERS, 0).to(dtype))
    network = random_vgg19(PAPER_LAYERS, 0).to("cuda", dtype)
    found, again = (pool_frame(*arguments, network, device="cuda") for _ in range(2))
    np.testing.assert_array_equal(again, found)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * wanted.max())


def test_rows_are_shares(drawn_frame, network):
    labels = np.zeros(drawn_frame.shape[:2], np.int32)
    labels[20:60, 30:70] = 1
    features = describe_pieces(drawn_frame, labels, 2, network)
    assert features.shape == (2, 64 + 128 + 256 + 512)
    assert features.dtype == np.float32
    assert features.min() == 0
    np.testing.assert_allclose(features.sum(axis=1), 1, rtol=1e-5)


def test_coarse_maps_see_every_second_pixel_from_the_second():
    def halves(image):
        return [image[:, :1], image[:, :1, 1::2, 1::2], image[:, :1, 1::2, 1::2][:, :, 1::2, 1::2]]

    frame = np.random.default_rng(0).integers(0, 256, (13, 18, 3), dtype=np.uint8)
    labels = np.zeros((13, 18), np.int32)
    labels[3, 3] = 1  # survives two halvings
    labels[5, 5] = 2  # one
    labels[4, 4] = 3  # none
    pooled = pool_frame(frame, labels, 4, halves)
    red = frame[..., 0] / np.float32(255)
    np.testing.assert_allclose(pooled[1], [red[3, 3]] * 3, rtol=1e-6)
    np.testing.assert_allclose(pooled[2], [red[5, 5], red[5, 5], 0], rtol=1e-6)
    np.testing.assert_allclose(pooled[3], [red[4, 4], 0, 0], rtol=1e-6)


def test_equal_features_give_zeros():
    def flat(image):
        return [torch.ones((1, 3, *image.shape[2:]))]

    features = describe_pieces(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.int32), 1, flat)
    np.testing.assert_array_equal(features, np.zeros((1, 3)))


def test_rows_of_zeros_stay_zeros():
    pooled = np.array([[0, 0, 0], [0, 3, 1], [2, 2, 2], [-1, 0, 1]], np.float32)
    wanted = [[0, 0, 0], [0, 0.75, 0.25], [0, 0, 0], [0, 1 / 3, 2 / 3]]
    np.testing.assert_allclose(normalise(pooled), wanted, rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (20, 1), (7, 7), (8, 8), (15, 17), (3, 40)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_small_frames(shape, dtype):
    network = random_vgg19(PAPER_LAYERS, 0).to(dtype)
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    labels = np.zeros(shape, np.int32)
    labels[0, 0] = 1 if labels.size > 1 else 0
    count = int(labels.max()) + 1
    pooled = pool_frame(frame, labels, count, network)
    assert pooled.shape == (count, 960)
    assert np.isfinite(pooled).all()
    deepest = pooled[:, 64 + 128 + 256 :]
    assert deepest.any() == (min(shape) >= 8)
    assert np.isfinite(describe_pieces(frame, labels, count, network)).all()


def test_refuses(network):
    frame = np.zeros((16, 16, 3), np.uint8)
    labels = np.zeros((16, 16), np.int32)
    with pytest.raises(ValueError, match="expected uint8"):
        describe_pieces(frame.astype(np.float32), labels, 1, network)
    with pytest.raises(ValueError, match="label_map has shape"):
        describe_pieces(frame, labels[:8], 1, network)
    with pytest.raises(ValueError, match="asks for"):
        pool_pieces(torch.zeros(2, 4, 5), np.zeros((5, 4), np.int32), 1)
    with pytest.raises(ValueError, match="asks for"):
        pool_pieces(torch.zeros(4, 5), np.zeros((4, 5), np.int32), 1)
    with pytest.raises(ValueError, match=r"0\.\.1; expected labels in 0\.\.0"):
        pool_pieces(torch.zeros(2, 1, 2), np.array([[0, 1]], np.int32), 1)
    with pytest.raises(ValueError, match=r"map of size \(11, 11\), which is not a halving of \(16, 16\)"):
        pool_frame(frame, labels, 1, lambda image: [torch.zeros((1, 2, 11, 11))])
