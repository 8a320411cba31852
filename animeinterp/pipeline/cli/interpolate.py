"""The command `interpolate`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.loading import load_config, text_setting
from animeinterp.configs.names import command_line, given_path
from animeinterp.data.clips.opening import open_clip
from animeinterp.pipeline.cli.chosen_config import (
    DEFAULT_PRESET,
    ChosenConfig,
    ConfigOption,
    Settings,
    WeightsFolder,
)
from animeinterp.pipeline.cli.outcomes import print_methods
from animeinterp.pipeline.cli.status import print_estimate
from animeinterp.pipeline.cli.terminal import (
    EXIT_FAILURES,
    OUTPUT,
    Quiet,
    RetryFailed,
    complain,
    console,
    interruptible,
    say,
    say_cache,
)
from animeinterp.pipeline.clips.assembly import Assembled
from animeinterp.pipeline.clips.clip_estimate import estimate_clip
from animeinterp.pipeline.clips.clip_interpolation import ClipWork
from animeinterp.pipeline.clips.idle_settings import idle_settings
from animeinterp.pipeline.clips.parts import LAST_STAGE
from animeinterp.pipeline.clips.scan_sheets import clip_summary, write_clip_sheets
from animeinterp.pipeline.clips.source_frames import SCENE_LINEAR, ClipFrames
from animeinterp.pipeline.clips.timeline import Timeline
from animeinterp.pipeline.clips.writers import check_place, is_image, is_video, prepare_output

FRAMES = "Frames"
ONE_PAIR = ("clip.repeat_threshold=0", "clip.cut_threshold=1", "executor.kind=inline")
"""Settings for two images: a pair, however unlike, for which starting workers would take too long."""
LISTED = 20  # failures and problems printed


def interpolate(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="A video, a folder or pattern of images, or images."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            parser=given_path,
            help="A video, GIF or WebP (by its suffix), a folder or pattern of images such as out/%06d.png, "
            "or the image between two images.",
            rich_help_panel=OUTPUT,
        ),
    ],
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    factor: Annotated[
        int | None,
        typer.Option(
            "--factor",
            min=1,
            help="Output frames per input frame; default 2.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            "--fps",
            metavar="RATE",
            help="Output frames per second, such as 24 or 23.976.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    times: Annotated[
        str | None,
        typer.Option(
            "--times",
            metavar="T,T,...",
            help="Times of the frames to make after each frame, such as 0.25,0.5,0.75.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    slow: Annotated[
        int | None,
        typer.Option(
            "--slow",
            min=1,
            help="Slow motion: this many times longer, at the same frame rate.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    loop: Annotated[
        bool,
        typer.Option(
            "--loop",
            help="Lead from the last drawing back to the first.",
            rich_help_panel=FRAMES,
        ),
    ] = False,
    longest_hold: Annotated[
        int | None,
        typer.Option(
            "--longest-hold",
            min=1,
            help="Drawings held for more frames than this stay still; default 4.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    timing: Annotated[
        str | None,
        typer.Option(
            "--timing",
            metavar="smooth|keep",
            help="Drawings on twos and threes: 'smooth', the default, moves on evenly; 'keep' keeps holds.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    on_cut: Annotated[
        str | None,
        typer.Option(
            "--on-cut",
            metavar="hold|blend",
            help="Across a cut: 'hold' the frame before it, the default, or 'blend'.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(
            "--codec",
            metavar="CODEC",
            help="Codec of the output video; default h264.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            "--quality",
            metavar="CRF",
            help="Constant quality (CRF) of the output video; lower is better.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    pixel_format: Annotated[
        str | None,
        typer.Option(
            "--pixel-format",
            metavar="FORMAT",
            help="Pixel format of the output video; default as the input.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate",
            metavar="RATE",
            help="Frames per second of input images; default 24.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    numbers: Annotated[
        str | None,
        typer.Option(
            "--frames",
            metavar="FIRST-LAST",
            help="Numbers of the input images to use, such as 1001-1048.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    height: Annotated[
        int | None,
        typer.Option(
            "--height",
            metavar="ROWS",
            help="Match larger frames at this height; frames are drawn at full size.",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    only_between: Annotated[
        bool,
        typer.Option(
            "--only-between",
            help="Write only the new frames, as images.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace an existing output.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FOLDER",
            parser=given_path,
            help="Folder for contact sheets of the detected drawings, repeats and cuts.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would be made, and time and space by a sample of 3 pairs.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Draw in-between frames for a clip: a video, a folder of frames, or images."""
    started = time.monotonic()
    chosen = {
        "factor": factor,
        "fps": fps,
        "times": times,
        "slow": slow,
        "loop": loop or None,
        "longest_hold": longest_hold,
        "timing": timing,
        "on_cut": on_cut,
        "codec": codec,
        "quality": quality,
        "pixel_format": pixel_format,
        "rate": rate,
        "frames": numbers,
    }
    working = [] if height is None else [f"segmentation.height={height}"]
    every = [*_clip_settings(chosen), *working, *(settings or ())]
    source, every = ChosenConfig.of(config, every, weights, default=DEFAULT_PRESET)
    loaded = load_config(source, every)
    if not quiet:
        print_methods(loaded, LAST_STAGE)
        say_cache(loaded.store.cache)
    with interruptible():
        clip = open_clip(inputs, loaded.clip)
        video, one = is_video(clip, output), is_image(clip, output)
        if one:  # two images are a pair, however unlike
            every = [*ONE_PAIR, f"executor.threads={os.cpu_count() or 1}", *every]
            loaded = load_config(source, every)
        target = prepare_output(clip, output, loaded.clip, overwrite=overwrite, only_between=only_between)
        if min(clip.bits, target.bits) > 8:
            linear = min(clip.bits, target.bits) == SCENE_LINEAR
            every = [f"synthesis.dtype={'linear' if linear else 'uint16'}", *every]
            loaded = load_config(source, every)
        work = ClipWork(clip, source, every, loaded, console, quiet, retry_failed)
        scan = work.scan()
        timeline = Timeline(scan, loaded.clip, to_the_end=video)
        if one and timeline.drawn != 1:
            why = "its inputs are identical" if not timeline.drawn else "name a folder for several times"
            raise ConfigError(f"{output}: names one image, and {timeline.drawn} would be drawn: {why}")
        if not quiet:
            about = [*clip_summary(scan), _intention(timeline), timeline.about_pauses()]
            for line in [] if one else filter(None, about):
                say(line)
            idle = idle_settings(loaded.clip, clip, output)
            for note in [*clip.notes, *idle, *target.notes, *target.notes_on(timeline.plan.cadence)]:
                say(f"note: {note}", style="yellow")
        if sheet is not None:
            for path in write_clip_sheets(clip, scan, sheet):
                say(f"contact sheet: {path}")
        target.check_times(timeline.plan.cadence)
        work.film = work.film_of(output, target, timeline)
        frames = ClipFrames(clip, work.digest, scan, work.cache)
        if dry_run:
            _print_costs(work, frames, timeline)
            return
        sources = work.compute(frames, timeline)
        check_place(clip, output, overwrite=overwrite, only_between=only_between)  # hours may have passed
        done = work.assemble(frames, timeline, sources, target)
    if not quiet:
        if work.example:
            say(f"to look at a pair: {command_line(work.example)}")
        seconds = time.monotonic() - started
        say(f"{output}: drawn in {seconds:.1f} s" if one else _outcome(done, output, seconds))
    _leave_if_failed(work, done)


def _clip_settings(chosen: dict[str, Any]) -> list[str]:
    """The options as settings; an option that chooses the times overrides those of the config."""
    given = {name: value for name, value in chosen.items() if value is not None}
    found = []
    if "slow" in given and "factor" not in given:
        found = ["clip.factor=1"]
    choosing = [name for name in ("factor", "fps", "times") if name in given]
    if len(choosing) > 1:
        raise ConfigError(f"--{choosing[0]} and --{choosing[1]} exclude each other; give one of them")
    if choosing:
        found += ["clip.fps=", "clip.times=[]"]
    for name, value in given.items():
        if name == "times":
            found.append(f"clip.times=[{value}]")
        else:
            found.append(
                text_setting(f"clip.{name}", value)
                if isinstance(value, str)
                else f"clip.{name}={str(value).lower()}"
            )
    return found


def _intention(timeline: Timeline) -> str:
    plan = timeline.plan
    pairs = f"{len(plan.times)} pairs of drawings"
    return f"to be made: {plan.cadence.count} frames, {timeline.drawn} of them drawn between {pairs}"


def _print_costs(work: ClipWork, frames: ClipFrames, timeline: Timeline) -> None:
    found = estimate_clip(work, frames, timeline)
    for line in work.failures[:LISTED]:
        complain(line)
    if not found.stages:
        say("nothing is left to compute")
    else:
        print_estimate(found, work.cache)


def _outcome(done: Assembled, output: Path, seconds: float) -> str:
    parts = [f"{done.drawn} drawn"]
    parts += [f"{done.mixed} cross-faded"] if done.mixed else []
    parts += [f"{done.held} held in place of frames that failed"] if done.held else []
    return f"{output}: {done.frames} frames, {', '.join(parts)}; in {seconds:.1f} s"


def _leave_if_failed(work: ClipWork, done: Assembled) -> None:
    for line in work.failures[:LISTED]:
        complain(line)
    if len(work.failures) > LISTED:
        complain(f"and {len(work.failures) - LISTED} more")
    if work.failures or done.held:
        raise typer.Exit(EXIT_FAILURES)
