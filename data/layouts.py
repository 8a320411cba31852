"""The layouts of datasets: ATD-12K, plain folders, and a list of pairs in a file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from configs.errors import DataError
from configs.sections import DataSection
from data.annotations import read_annotation
from data.file_facts import FileFacts
from data.images import IMAGE_SUFFIXES
from data.listed_pairs import PAIRS_FILE, read_pairs
from data.manifest import FoundPair, Manifest, build_manifest
from data.truth import TRUTH_FILE, TRUTH_FOLDERS

SPLIT_FOLDERS = {"test": "test_2k_540p", "train": "train_10k"}
ANNOTATION_FOLDERS = ("test_2k_annotations", "test_2k_ann")  # both names are in circulation


def read_dataset(section: DataSection, facts: FileFacts) -> Manifest:
    """Read the dataset that `section` names.

    Raises
    ------
    DataError
        `data.root` is not set, absent, or holds no pair.
    """
    if section.root is None:
        raise DataError("data.root is not set; name the folder of your frames: --set data.root=FOLDER")
    root = section.root.expanduser().absolute()
    if not root.is_dir():
        raise DataError(
            f"data.root = {str(root)!r} is not a folder; name the folder that contains the pair folders"
        )
    if section.layout == "listed" or (section.layout == "auto" and (root / PAIRS_FILE).is_file()):
        return build_manifest(root, read_pairs(root), section, facts)
    split_folder = _split_folder(root, section)
    found = _atd12k_pairs(split_folder, section) if split_folder else _folder_pairs(root)
    if not found:
        where = split_folder or root
        raise DataError(
            f"{where}: no pairs found; expected one folder per pair, each with two frames (or three, the "
            f"middle one being the ground truth) as {', '.join(sorted(IMAGE_SUFFIXES))}; "
            "check data.root and data.layout"
        )
    return build_manifest(root, found, section, facts)


def _split_folder(root: Path, section: DataSection) -> Path | None:
    """Folder of the ATD-12K split, or None when `root` is a folder of pair folders."""
    if section.layout == "folders":
        return None
    name = SPLIT_FOLDERS[section.split]
    if root.name == name:
        return root
    if (root / name).is_dir():
        return root / name
    others = [f"data.split={split}" for split, folder in SPLIT_FOLDERS.items() if (root / folder).is_dir()]
    if others or section.layout == "atd12k":
        hint = f"; it contains the other split: --set {others[0]}" if others else ""
        raise DataError(
            f"data.root = {str(root)!r} has no folder {name!r} (data.split = {section.split!r}){hint}"
        )
    return None


def _atd12k_pairs(split_folder: Path, section: DataSection) -> list[FoundPair]:
    roots = [split_folder.parent / name for name in ANNOTATION_FOLDERS] if section.split == "test" else []
    annotations = next((folder for folder in roots if folder.is_dir()), None)
    truths = split_folder.parent / TRUTH_FOLDERS[section.split]
    truths_there = truths if truths.is_dir() else None
    return [_triplet(folder, annotations, truths_there) for folder in _subfolders(split_folder)]


def _triplet(folder: Path, annotations: Path | None, truths: Path | None) -> FoundPair:
    images = {path.stem: path for path in _images(folder)}
    ends = tuple(images[stem] for stem in ("frame1", "frame3") if stem in images)
    error = (
        None if len(ends) == 2 else f"{folder}: {_listing(images)}; expected frame1 and frame3 (.png or .jpg)"
    )
    annotation, complaint = None, None
    path = None if annotations is None else annotations / folder.name / f"{folder.name}.json"
    if path is not None and path.exists():
        try:
            annotation = read_annotation(path)
        except DataError as problem:
            complaint = str(problem)
    drawn = None if truths is None else truths / folder.name / TRUTH_FILE
    return FoundPair(
        folder.name,
        ends,
        images.get("frame2"),
        motion_truth=drawn if drawn is not None and drawn.exists() else None,
        annotation=annotation,
        annotation_error=complaint,
        error=error,
        annotation_file=path,
    )


def _folder_pairs(root: Path) -> list[FoundPair]:
    if _images(root):
        return [_pair_folder(root)]
    return [_pair_folder(folder) for folder in _subfolders(root)]


def _pair_folder(folder: Path) -> FoundPair:
    images = _images(folder)
    name = folder.resolve().name
    match images:
        case [frame0, frame1]:
            return FoundPair(name, (frame0, frame1))
        case [frame0, truth, frame1]:
            return FoundPair(name, (frame0, frame1), truth)
        case _:
            found = _listing([path.stem for path in images])
            error = f"{folder}: {found}; expected two frames, or three with the ground truth between"
            return FoundPair(name, tuple(images[:1]), error=error)


def _listing(names: dict[str, Path] | list[str]) -> str:
    shown = ", ".join(list(names)[:4]) + (", ..." if len(names) > 4 else "")
    return f"{len(names)} image{'s' if len(names) != 1 else ''}" + (f" ({shown})" if names else "")


def _subfolders(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    return [folder / name for name in sorted(names)]


def _images(folder: Path) -> list[Path]:
    suffixes = tuple(IMAGE_SUFFIXES)
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and entry.name.lower().endswith(suffixes)
        ]
    return [folder / name for name in sorted(names, key=natural_order)]


def natural_order(name: str) -> list[tuple[int, str]]:
    """Sort key by which frame10 comes after frame2."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
