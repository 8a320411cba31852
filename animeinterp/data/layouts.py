"""The layouts of datasets: ATD-12K, plain folders, and a list of pairs in a file."""

from __future__ import annotations

import os
from pathlib import Path

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.names import name_of, own_command
from animeinterp.configs.sections import DataSection, StoreSection
from animeinterp.data.annotations import read_annotation
from animeinterp.data.dataset_search import SPLIT_FOLDERS, find_datasets, suggestion
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.folder_content import is_image
from animeinterp.data.given_paths import is_video
from animeinterp.data.images import IMAGE_SUFFIXES
from animeinterp.data.listed_pairs import PAIRS_FILE, read_pairs
from animeinterp.data.manifest import FoundPair, Manifest, build_manifest
from animeinterp.data.pair_folders import DatasetFolder, PairFolder
from animeinterp.data.truth import TRUTH_FILE, TRUTH_FOLDERS

ANNOTATION_FOLDERS = ("test_2k_annotations", "test_2k_ann")  # both names are in circulation


def read_dataset(section: DataSection, facts: FileFacts, store: StoreSection | None = None) -> Manifest:
    """Read the dataset that `section` names.

    Parameters
    ----------
    section, facts
        What to read, and what is known of files.
    store
        Names the folders of this program: they are ignored among the pair folders.

    Raises
    ------
    DataError
        `data.root` is not set, absent, ambiguous, or holds no pair.
    ConfigError
        Results would be written to the folders of the frames.
    """
    root, found, notes = list_dataset(section, store)
    return build_manifest(root, found, section, facts, notes)


def list_dataset(
    section: DataSection, store: StoreSection | None = None
) -> tuple[Path, list[FoundPair], tuple[str, ...]]:
    """Root, pairs and notes of the dataset that `section` names, without reading a frame.

    Raises
    ------
    DataError, ConfigError
        As `read_dataset`.
    """
    if section.root is None:
        raise DataError(
            "data.root is not set; name the folder of your pairs of frames: --set data.root=FOLDER; "
            f"for a clip there is {own_command('interpolate', 'CLIP', '-o', 'OUTPUT')}"
        )
    root = section.root.absolute()
    if not os.path.isdir(root):  # noqa: PTH112 - pathlib's raises for names that are too long
        raise DataError(f"data.root = {str(root)!r} is not a folder; {_instead(root)}")
    if section.layout == "listed" or (section.layout == "auto" and (root / PAIRS_FILE).is_file()):
        found, notes = read_pairs(root), _beside_a_list(root)
    else:
        found, notes = _in_folders(root, section, store)
    if store is not None and store.results is not None:
        _check_results(store.results, found)
    return root, found, notes


def _in_folders(
    root: Path, section: DataSection, store: StoreSection | None
) -> tuple[list[FoundPair], tuple[str, ...]]:
    split_folder = _split_folder(root, section)
    folder = DatasetFolder(split_folder or root, store, named_frames=split_folder is not None)
    found = folder.pairs(section.layout) if split_folder is None else _triplets(folder, section)
    if not any(pair.frames for pair in found):
        folder.refuse_output()
        places = find_datasets(root)
        if places:
            raise DataError(f"{root}: no pairs here; {suggestion(places)}")
    if not found:
        raise DataError(
            f"{folder.path}: no pairs found; expected one folder per pair, each with two frames (or three, "
            f"the middle one being the ground truth) as {', '.join(sorted(IMAGE_SUFFIXES))}; "
            f"check data.root and data.layout{''.join(f'; {note}' for note in folder.notes())}"
        )
    return found, folder.notes()


def _instead(root: Path) -> str:
    """What to do when `root` is not a folder."""
    if root.name == PAIRS_FILE or is_image(root):
        return f"name its folder, {root.parent}"
    if is_video(root.name):
        return f"for a video use '{own_command('interpolate')}'"
    return "name the folder that contains the pair folders"


def _beside_a_list(root: Path) -> tuple[str, ...]:
    others = [name for name in SPLIT_FOLDERS.values() if (root / name).is_dir()]
    if not others:
        return ()
    return (f"{root}: using {PAIRS_FILE}; for {others[0]} beside it use --set data.layout=atd12k",)


def _split_folder(root: Path, section: DataSection) -> Path | None:
    """Folder of the ATD-12K split, or None when `root` is a folder of pair folders."""
    if section.layout in ("folders", "pair"):
        return None
    name = SPLIT_FOLDERS[section.split]
    if (root / name).is_dir():
        return root / name
    if root.name == name:
        return root
    others = [
        f"data.split={split}"
        for split, folder in SPLIT_FOLDERS.items()
        if root.name == folder or (root / folder).is_dir()
    ]
    if others or section.layout == "atd12k":
        hint = f"; it contains the other split: --set {others[0]}" if others else ""
        places = [] if others else find_datasets(root)
        hint = f"; {suggestion(places)}" if places else hint
        raise DataError(
            f"data.root = {str(root)!r} has no folder {name!r} (data.split = {section.split!r}){hint}"
        )
    return None


def _triplets(folder: DatasetFolder, section: DataSection) -> list[FoundPair]:
    above = folder.path.parent
    roots = [above / name for name in ANNOTATION_FOLDERS] if section.split == "test" else []
    annotations = next((found for found in roots if found.is_dir()), None)
    truths = above / TRUTH_FOLDERS[section.split]
    truths_there = truths if truths.is_dir() else None
    return [_triplet(child, annotations, truths_there) for child in folder.children()]


def _triplet(folder: PairFolder, annotations: Path | None, truths: Path | None) -> FoundPair:
    images = {path.stem: path for path in folder.images}
    ends = tuple(images[stem] for stem in ("frame1", "frame3") if stem in images)
    error = folder.error
    if error is None and len(ends) < 2:
        error = f"{folder.path}: {folder.listing()}; expected frame1 and frame3 (.png or .jpg)"
    annotation, complaint = None, None
    path = None if annotations is None else annotations / folder.path.name / f"{folder.path.name}.json"
    if path is not None and path.exists():
        try:
            annotation = read_annotation(path)
        except DataError as problem:
            complaint = str(problem)
    drawn = None if truths is None else truths / folder.path.name / TRUTH_FILE
    return FoundPair(
        folder.id,
        ends,
        images.get("frame2"),
        motion_truth=drawn if drawn is not None and drawn.exists() else None,
        annotation=annotation,
        annotation_error=complaint,
        error=error,
        annotation_file=path,
    )


def _check_results(results: Path, found: list[FoundPair]) -> None:
    """Make sure that results are not written to the folders of the dataset's frames."""
    place = results.resolve()
    shared = {path.parent for pair in found for path in pair.frames if path.parent.name == name_of(pair.id)}
    above = {folder.parent for folder in shared}
    if any(folder.resolve() == place for folder in above):
        raise ConfigError(
            f"store.results = {str(results)!r}: results would be written to the frames' folders; choose "
            "another folder: --set store.results=FOLDER"
        )
