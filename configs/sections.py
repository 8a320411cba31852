"""The settings: one frozen section per stage, plus data, store and executor.

Each field's docstring gives its unit, its range and what follows from it. Defaults are the paper's
(Li et al., CVPR 2021, arXiv 2104.02495) where the paper and the released program differ.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

PAPER_LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4")
RELEASED_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONVOLUTIONS_PER_BLOCK = (2, 2, 4, 4, 4)  # VGG-19, Simonyan & Zisserman 2015, table 1, column E

LEAST_MEMORY_GB = 1.0  # a prepared worker, libraries loaded and code compiled, was measured at 0.5

LEAST_HEIGHT = 64  # px; less leaves no pieces to match

Style = Literal["anime", "disney"]
Precision = Literal["float32", "bfloat16", "float16"]


def _none_if_empty(value: object) -> object:
    # TOML has no null, so an empty string is how a file or `--set` says "not given".
    return None if value == "" else value


OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]


def _no_tiny_height(height: int) -> int:
    if 0 < height < LEAST_HEIGHT:
        raise ValueError(f"{height} is too little: give at least {LEAST_HEIGHT}, or 0 for the frames' own")
    return height


WorkingHeight = Annotated[int, Field(ge=0), AfterValidator(_no_tiny_height)]


def _no_url(value: object) -> object:
    # As a path it would become a folder of that name, or with one slash less.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(value)):
        raise ValueError(
            f"{str(value)!r} is a URL, and a folder is needed: results are committed by an atomic rename and "
            "a flush to disk, which object stores and web servers lack; name a folder of a disk or of a "
            "shared file system, and copy between it and the URL before and after the run"
        )
    return value


Folder = Annotated[Path, BeforeValidator(_no_url)]
OptionalFolder = Annotated[Path | None, BeforeValidator(_no_url), BeforeValidator(_none_if_empty)]


class Section(BaseModel):
    """A group of settings: frozen, unknown keys refused, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    location_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that say where something is, not what it is: left out of fingerprints."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """Fields that do nothing with the others as they are: left out of fingerprints."""
        return frozenset()


class DataSection(Section):
    """Which frames to read."""

    root: OptionalFolder = None
    """Folder of the dataset: an ATD-12K root, one split's folder, or a folder of pair folders."""
    layout: Literal["auto", "atd12k", "folders", "listed"] = "auto"
    """`atd12k` reads `<split folder>/<id>/frame1..3`; `folders` reads any folder of pair or triplet folders;
    `listed` reads the pairs named in `<root>/pairs.json`; `auto` takes `listed` where there is such a file,
    and `atd12k` when the root holds the split's folder."""
    split: Literal["test", "train"] = "test"
    """Which half of ATD-12K."""
    style: Literal["auto", "anime", "disney"] = "auto"
    """Segmentation preset of the frames; `auto` goes by folder name (`Japan_`, `Disney_`)."""
    unnamed_style: Style = "anime"
    """Preset for names that start with neither. The released label-map script takes anime, its flow
    script disney."""


class ContourPreset(Section):
    """Filter and thresholds of the contour step for Japanese animation."""

    diameter: int = Field(10, ge=1, le=101)
    """Diameter of the bilateral filter's neighbourhood, px."""
    sigma_color: float = Field(10.0, gt=0)
    """Bilateral filter: colour distance that still mixes, grey levels."""
    sigma_space: float = Field(10.0, gt=0)
    """Bilateral filter: spatial standard deviation, px."""
    low: float = Field(2.0, ge=0)
    """Lower hysteresis threshold on the Laplacian scaled to a maximum of 255."""
    high: float = Field(20.0, ge=0)
    """Upper hysteresis threshold; at least `low`."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high ({self.high}) must be at least low ({self.low})")
        return self


class DisneyContourPreset(ContourPreset):
    """Filter and thresholds of the contour step for western animation."""

    diameter: int = Field(30, ge=1, le=101)
    """Diameter of the bilateral filter's neighbourhood, px."""
    sigma_color: float = Field(40.0, gt=0)
    """Bilateral filter: colour distance that still mixes, grey levels."""
    sigma_space: float = Field(30.0, gt=0)
    """Bilateral filter: spatial standard deviation, px."""
    low: float = Field(1.0, ge=0)
    """Lower hysteresis threshold on the Laplacian scaled to a maximum of 255."""


class SegmentationSection(Section):
    """Frame -> colour pieces."""

    anime: ContourPreset = ContourPreset()
    """Contours of Japanese animation: thin, dark, complete outlines."""
    disney: DisneyContourPreset = DisneyContourPreset()
    """Contours of western animation: stronger smoothing, weaker edges kept."""
    merge_rounds: int = Field(10, ge=0, le=1000)
    """Most rounds of merging small fills into the neighbour most alike; 0 = none."""
    height: WorkingHeight = 0
    """Larger frames are segmented, described and matched at this height, px, and their coarse flows made
    larger; 0 = at their own. The thresholds are for frames of about 540 rows."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """What does nothing at its default, so that results of before it was there stay valid."""
        return frozenset() if self.height else frozenset({"height"})


class FeaturesSection(Section):
    """Pieces -> pooled VGG-19 features."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"weights"})

    layers: tuple[str, ...] = PAPER_LAYERS
    """VGG-19 layers, `reluB_N`, finest first, at most one a block and blocks in order: each is pooled at its
    block's scale, 1, 1/2, 1/4, 1/8, 1/16."""
    weights: OptionalPath = None
    """VGG-19 weights (torchvision's layout); empty = the seeded random network."""
    seed: int = Field(0, ge=0)
    """Seed of the random network; unused with weights."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the network's weights and maps; pooling and features are float32 either way. `bfloat16` is
    for GPUs and for CPUs that compute in it (AMX, AVX-512 BF16); on others it is slower than float32 by about
    a tenth and takes more memory. Fewer than 1 in 100 matches change."""

    @field_validator("layers")
    @classmethod
    def _known_layers(cls, layers: tuple[str, ...]) -> tuple[str, ...]:
        blocks = [_layer_block(layer) for layer in layers]
        if not layers or blocks != list(range(1, len(layers) + 1)):
            raise ValueError(
                f"layers {list(layers)} must name one layer of each block from 1 on, in order, "
                f"such as {list(PAPER_LAYERS)}"
            )
        return layers


def _layer_block(layer: str) -> int:
    match = re.fullmatch(r"relu([1-5])_([1-4])", layer)
    if match is None or int(match[2]) > CONVOLUTIONS_PER_BLOCK[int(match[1]) - 1]:
        raise ValueError(f"{layer!r} is no VGG-19 layer; expected relu1_1, relu1_2, ..., relu5_4")
    return int(match[1])


class MatchingSection(Section):
    """Features of both frames -> matches."""

    area_ratio_limit: float = Field(3.0, ge=1)
    """Area ratio above which a candidate pays `ratio / area_penalty`."""
    area_penalty: float = Field(20.0, gt=0)
    """Divisor of the area penalty."""
    distance_limit: float = Field(0.15, ge=0)
    """Centroid distance, as a share of the frame's diagonal, above which a candidate pays
    `distance / distance_penalty`. 0.14 in the released program."""
    distance_penalty: float = Field(5.0, gt=0)
    """Divisor of the distance penalty."""
    keep_affinity: bool = False
    """Also store the affinity matrices (`pieces0 x pieces1` floats a pair)."""


class CoarseFlowSection(Section):
    """Matches -> a flow for each piece that moves."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"imported_from"})

    method: Literal["sgm", "zero", "imported"] = "sgm"
    """`sgm` = segment-guided matching; `zero` = no coarse flow (the paper's ablation); `imported` = flows
    read from `imported_from`. The last two need neither segmentation nor features nor matching."""
    imported_from: OptionalPath = None
    """Folder of flows in the layout of ATD-12K's pre-computed ones: `<id>/guide_flo13.npy` and
    `guide_flo31.npy`. Once a pair is imported the cache has it, and its files may go."""
    imported_as: str = ""
    """Name of the import: imports with different names are kept side by side."""
    rank_sum_limit: int = Field(0, ge=0)
    """Largest rank sum of a match that may move; 0 = mutual best matches only."""
    max_shift: float = Field(250.0, gt=0)
    """Largest centroid shift, px."""
    min_area: int = Field(50, ge=0)
    """A piece must be larger than this, px."""
    max_area_share: float = Field(0.12, gt=0, le=1)
    """A piece must be smaller than this share of the frame."""
    max_area_ratio: float = Field(3.0, gt=1)
    """Area ratio to the match must be below this."""
    min_overlap: float = Field(0.8, ge=0, lt=1)
    """Share of the moved mask that must land inside the match."""
    dark_gray: float = Field(20.0, ge=0)
    """Mean grey below which a piece is brightened (0.8 v + 40) so that the flow finds texture."""
    variational_iterations: int = Field(25, ge=0)
    """Variational refinement iterations of the dense inverse search."""
    gradient_iterations: int = Field(50, ge=1)
    """Gradient descent iterations of the dense inverse search."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """Those of the other methods."""
        if self.method == "sgm":
            return frozenset({"imported_as"})
        used = {"method", "imported_as"} if self.method == "imported" else {"method"}
        return frozenset(type(self).model_fields) - used

    @model_validator(mode="after")
    def _import_has_a_folder(self) -> Self:
        if self.method == "imported" and self.imported_from is None:
            raise ValueError(
                "method = 'imported' needs imported_from, which is not set; name the folder that holds "
                "<id>/guide_flo13.npy and guide_flo31.npy, or choose method = 'sgm'"
            )
        return self


class RefinementSection(Section):
    """Coarse flow -> refined flow by the recurrent network RFR."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"weights"})

    method: Literal["auto", "rfr", "none"] = "auto"
    """`rfr` = the network (needs weights); `none` = the coarse flow as it is; `auto` = `rfr` with weights."""
    weights: OptionalPath = None
    """Checkpoint that holds the RFR (may be the same file as `synthesis.weights`)."""
    confidence_mask: bool = True
    """Weight the initial flow by exp(-g^2). The released program computes g and never uses it."""
    initial_flow_additions: Literal[1, 2] = 1
    """How often the initial flow is added. The released program adds it twice."""
    iterations: int = Field(12, ge=1, le=100)
    """Recurrent updates."""
    precision: Precision = "float32"
    """Precision of the convolutions; flows, correlations and the confidence are float32 either way.
    `bfloat16` halves the time on CPUs that compute in it (AMX, AVX-512 BF16) and is for GPUs, as `float16`
    is."""
    fraction_bits: int = Field(0, ge=0, le=16)
    """The network's flows are rounded to multiples of 2^-n px; 0 = not at all. 10 halves what they take in
    the cache and changes them by at most 1/2048 px."""
    height: WorkingHeight = 0
    """Larger frames are refined by the network at this height, px, and their flows made larger; 0 = at their
    own."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """What does nothing at its default, so that results of before it was there stay valid."""
        return frozenset(name for name in ("fraction_bits", "height") if not getattr(self, name))


class SynthesisSection(Section):
    """Frames and refined flows -> frames at the times wanted."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"weights"})

    method: Literal["auto", "gridnet", "blend"] = "auto"
    """`gridnet` = the network (needs weights); `blend` = average of the two splatted frames;
    `auto` = `gridnet` with weights."""
    weights: OptionalPath = None
    """Checkpoint that holds feature extractor and GridNet (may be the same file as `refinement.weights`)."""
    splatting: Literal["softmax", "average"] = "softmax"
    """How overlapping pixels are weighed; the released program averages."""
    softmax_alpha: float = Field(-20.0, ge=-100, le=100)
    """Softmax splatting: factor on the brightness difference; negative = consistent pixels win."""
    precision: Precision = "float32"
    """Precision of the convolutions; flows and splatting are float32 either way. As for `refinement`."""
    times: tuple[float, ...] = (0.5,)
    """Times in (0, 1), ascending, 0 = frame 0."""
    dtype: Literal["uint8", "float16"] = "uint8"
    """How frames are cached; `float16` where scores must be those of the unquantised frame."""
    height: WorkingHeight = 0
    """Larger frames are drawn by the network at this height, px, and made larger, which blurs them; 0 = at
    their own."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """What does nothing at its default, so that results of before it was there stay valid."""
        return frozenset() if self.height else frozenset({"height"})

    @field_validator("times", mode="before")
    @classmethod
    def _one_is_a_list(cls, times: object) -> object:
        return [times] if isinstance(times, int | float) else times

    @field_validator("times")
    @classmethod
    def _inside(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if not times or any(not 0 < t < 1 for t in times) or list(times) != sorted(set(times)):
            raise ValueError(
                f"times {list(times)} must be ascending and lie between 0 and 1, such as [0.25, 0.5, 0.75]"
            )
        return times


class EvaluationSection(Section):
    """Frames and ground truth -> scores."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"lpips_weights", "lpips_backbone"})

    conventional_ssim: bool = True
    """Also score SSIM with data range 1 and a Gaussian window of 11, under a name of its own."""
    chamfer: bool = True
    """Also score the chamfer line distance."""
    lpips_weights: OptionalPath = None
    """Heads of LPIPS v0.1, on AlexNet or VGG-16, as the package `lpips` has them; empty = no LPIPS."""
    lpips_backbone: OptionalPath = None
    """The network that those heads are for: torchvision's AlexNet or VGG-16."""

    @model_validator(mode="after")
    def _lpips_has_both_files(self) -> Self:
        if (self.lpips_weights is None) != (self.lpips_backbone is None):
            given, absent = "lpips_weights", "lpips_backbone"
            if self.lpips_weights is None:
                given, absent = absent, given
            raise ValueError(
                f"{given} is given and {absent} is not; LPIPS needs both: the heads, and torchvision's "
                "AlexNet or VGG-16 that they are for"
            )
        return self


class ClipSection(Section):
    """A clip -> the same clip with frames between its drawings (`animeinterp interpolate`)."""

    factor: int = Field(2, ge=1, le=1000)
    """How many frames become of each; used where neither `fps` nor `times` is given."""
    fps: str = ""
    """Frames a second to be made, such as `24`, `23.976` or `30000/1001`; empty = by `factor`."""
    times: tuple[float, ...] = ()
    """Times in (0, 1), ascending, at which to make frames after each frame; empty = by `factor`."""
    timing: Literal["smooth", "keep"] = "smooth"
    """Where a drawing is shown for several frames: `smooth` moves on from drawing to drawing in equal steps,
    in place of the repeats; `keep` leaves the repeats and moves between the last of them and the next
    drawing."""
    longest_hold: int = Field(4, ge=1)
    """`smooth`: a drawing shown for more frames than this is a pause, and stays one; motion begins as late
    as after the clip's usual drawings."""
    on_cut: Literal["hold", "blend"] = "hold"
    """What is shown across a cut: the frame before it, or a cross-fade."""
    repeat_threshold: float = Field(12.0, ge=0)
    """Difference from a drawing, in grey levels over its most different patch, up to which a frame repeats
    it; 0 = only what is exactly the same. At 540p compression makes up to 9, motion over 30."""
    cut_threshold: float = Field(0.5, ge=0, le=1)
    """How little two drawings must have in common for a cut to be between them: 0 = always, 1 = never."""
    rate: str = "24"
    """Frames a second of a folder or sequence of images; a video has its own."""
    codec: str = "h264"
    """Codec of a video written: `h264`, `h265`, `av1`, `vp9`, `prores`, `ffv1` (lossless), `qtrle`, `mpeg4`,
    or the name of any encoder of FFmpeg's that needs nothing but a quality."""
    quality: int = Field(18, ge=0, le=63)
    """Constant quality (CRF) of a video written: lower is better and larger; 0 = lossless with `h264`, `h265`
    and `vp9`. `mpeg4` and `mjpeg` take a sixth of it as quantiser, others ignore it."""
    pixel_format: str = "auto"
    """Pixel format of a video written, such as `yuv420p` or `yuv444p10le`. `auto` = the source's where the
    encoder takes it, so that original frames pass untouched, else the nearest: RGB becomes `yuv420p` (of
    more than 8 bits `yuv420p10le`) with codecs that players expect so, and odd sizes `yuv444p` with codecs
    that need even ones."""
    sound: bool = True
    """Whether sound, subtitles, chapters and metadata of a video go into the one written."""
    pairs_per_part: int = Field(1024, ge=1)
    """Most pairs worked on at a time, so that memory stays flat however long the clip."""

    @field_validator("times", mode="before")
    @classmethod
    def _one_is_a_list(cls, times: object) -> object:
        return [times] if isinstance(times, int | float) else times

    @field_validator("fps", "rate", mode="before")
    @classmethod
    def _number_is_a_rate(cls, rate: object) -> object:
        return str(rate) if isinstance(rate, int | float) else rate

    @field_validator("times")
    @classmethod
    def _times_inside(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < t < 1 for t in times) or list(times) != sorted(set(times)):
            raise ValueError(
                f"times {list(times)} must be ascending and lie between 0 and 1, such as [0.25, 0.5, 0.75]"
            )
        return times

    @field_validator("fps", "rate")
    @classmethod
    def _is_a_rate(cls, rate: str) -> str:
        if rate:
            read_rate(rate)
        return rate

    @model_validator(mode="after")
    def _fps_or_times(self) -> Self:
        if self.fps and self.times:
            raise ValueError(
                f"fps = {self.fps!r} and times = {list(self.times)} exclude each other; leave one empty"
            )
        if not self.rate:
            raise ValueError("rate is empty; give the frames a second of image sequences, such as 24")
        return self


def read_rate(text: str) -> Fraction:
    """Frames a second from text such as `24`, `29.97` or `30000/1001`, exactly.

    Raises
    ------
    ValueError
        It is no number above 0 and up to 1000.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise ValueError(f"{text!r} is no rate: expected frames a second such as 24, 23.976 or 30000/1001")
    for nominal in (24, 30, 48, 60, 120):
        exact = Fraction(nominal * 1000, 1001)
        if rate.denominator > 1 and abs(rate - exact) < Fraction(6, 1000):  # 23.98 and 29.97 are customary
            return exact
    return rate


class StoreSection(Section):
    """Where results are kept."""

    cache: Folder = Path("cache")
    """Folder of the cached stages; created when absent."""
    results: OptionalFolder = None
    """Folder where in-between frames also appear as PNG and scores as CSV (and as Parquet with the extra
    `parquet`); empty = nowhere but the cache."""
    pairs_per_shard: int = Field(16, ge=1, le=1024)
    """Most pairs in a shard, the unit of commit and resume."""
    least_shards: int = Field(16, ge=1)
    """A small run is divided into this many shards, if it has the pairs, so that every worker gets some."""
    shard_megapixels: float = Field(16.0, gt=0)
    """Most pixels of frame 0 in a shard (in millions): keeps a worker's memory flat for large frames."""
    shards_per_batch: int = Field(32, ge=1)
    """Shards in a batch, one Luigi task."""


class ExecutorSection(Section):
    """Who does the work."""

    kind: str = "local"
    """`inline` = this process; `local` = one process a core on this machine; `tcp://host:port` = a Dask
    cluster."""
    workers: int = Field(0, ge=0)
    """Processes of `local`; 0 = one a core, fewer where memory is short."""
    memory_gb: float = Field(0.0, ge=0)
    """Memory that each process of `local` may take, in 10^9 bytes, at least 1: one that takes more is ended,
    and the item that made it do so recorded as failed. 0 = the machine's memory divided by the workers.
    Workers of a cluster have the limit that they were started with."""
    threads: int = Field(1, ge=1)
    """Threads a worker gives to Torch and OpenCV."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where networks run."""
    pairs_at_once: int = Field(0, ge=0, le=1024)
    """Pairs that refinement and synthesis take at once; 0 = one on a CPU, on a GPU as many as its memory
    holds."""
    network_resource: str = ""
    """Dask resource, such as `GPU`, that a cluster's worker must offer to get features, refinement and
    synthesis; empty = any worker."""
    other_resource: str = ""
    """Dask resource, such as `CPU`, that a cluster's worker must offer to get anything else; empty = any
    worker."""
    wait_minutes: float = Field(60.0, gt=0)
    """How long a run waits for a worker when the cluster has none that can do the work, before it ends."""
    luigid: str = ""
    """Address of a Luigi scheduler, `http://host:8082`, whose web page is to show the run; empty = none."""

    @field_validator("memory_gb")
    @classmethod
    def _enough_memory(cls, memory_gb: float) -> float:
        if 0 < memory_gb < LEAST_MEMORY_GB:
            raise ValueError(
                f"{memory_gb:g} is too little: a worker needs at least {LEAST_MEMORY_GB:g} "
                "(0 = the machine's memory divided by the workers)"
            )
        return memory_gb

    @field_validator("network_resource", "other_resource")
    @classmethod
    def _resource_name(cls, name: str) -> str:
        # What `dask worker --resources "GPU=1 CPU=1"` can name.
        if not re.fullmatch(r"[^\s=,;'\"]*", name):
            raise ValueError(f"{name!r} is no name of a Dask resource: one word such as 'GPU', without '=1'")
        return name

    @field_validator("luigid")
    @classmethod
    def _web_address(cls, luigid: str) -> str:
        if luigid and not re.fullmatch(r"https?://[^\s/]+/?", luigid):
            raise ValueError(f"{luigid!r} is no address of a Luigi scheduler such as 'http://host:8082'")
        return luigid

    @model_validator(mode="after")
    def _resources_of_a_cluster(self) -> Self:
        for key in ("network_resource", "other_resource"):
            if getattr(self, key) and self.kind in ("inline", "local"):
                raise ValueError(
                    f"{key} = {getattr(self, key)!r} is for the workers of a cluster given by address, but "
                    f"kind is {self.kind!r}; leave {key} empty, or set kind to a Dask address"
                )
        return self

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in ("inline", "local") and not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d+", kind):
            raise ValueError(
                f"{kind!r} is neither 'inline', 'local' nor a Dask address such as 'tcp://host:8786'"
            )
        return kind


class Config(Section):
    """Everything that can be chosen for a run."""

    data: DataSection = DataSection()
    segmentation: SegmentationSection = SegmentationSection()
    features: FeaturesSection = FeaturesSection()
    matching: MatchingSection = MatchingSection()
    coarse_flow: CoarseFlowSection = CoarseFlowSection()
    refinement: RefinementSection = RefinementSection()
    synthesis: SynthesisSection = SynthesisSection()
    evaluation: EvaluationSection = EvaluationSection()
    clip: ClipSection = ClipSection()
    store: StoreSection = StoreSection()
    executor: ExecutorSection = ExecutorSection()

    @model_validator(mode="after")
    def _methods_have_weights(self) -> Self:
        for name, method, fallback in (("refinement", "rfr", "none"), ("synthesis", "gridnet", "blend")):
            section: RefinementSection | SynthesisSection = getattr(self, name)
            if section.method == method and section.weights is None:
                raise ValueError(
                    f"{name}.method = {method!r} needs {name}.weights, which is not set; "
                    f"give a checkpoint or choose {name}.method = {fallback!r}"
                )
        return self

    @model_validator(mode="after")
    def _device_computes_in_it(self) -> Self:
        for name in ("refinement", "synthesis"):
            section: RefinementSection | SynthesisSection = getattr(self, name)
            if section.precision == "float16" and self.executor.device == "cpu":
                raise ValueError(
                    f"{name}.precision = 'float16' needs executor.device = 'cuda', which is 'cpu'; "
                    "choose 'bfloat16' or 'float32'"
                )
        return self
