"""Cut-out scenes: drawings of many artists moved over backdrops, with exact flows, for training networks."""

from animeinterp.data.cutouts.book import Book, open_book
from animeinterp.data.cutouts.book_making import make_book
from animeinterp.data.cutouts.drawn_scenes import DrawnScenes
from animeinterp.data.cutouts.kept_scenes import KeptScene, TrainingSet
from animeinterp.data.cutouts.scene import CutoutScene, draw_scene
from animeinterp.data.cutouts.training_set import SetSettings, write_training_set

__all__ = [
    "Book",
    "CutoutScene",
    "DrawnScenes",
    "KeptScene",
    "SetSettings",
    "TrainingSet",
    "draw_scene",
    "make_book",
    "open_book",
    "write_training_set",
]
