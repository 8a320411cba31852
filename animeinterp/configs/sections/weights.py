"""Settings of where weights are found."""

from __future__ import annotations

from animeinterp.configs.sections.section import OptionalFolder, Section


class WeightsSection(Section):
    """Where weights files are found that no other setting names."""

    folder: OptionalFolder = None
    """Folder that `animeinterp weights fetch` fills, and in which every command finds the files that it knows
    (`animeinterp weights list`); not given = the user's data folder, `~/.local/share/animeinterp/weights` on
    Linux. An empty `features.weights`, `refinement.weights` or `synthesis.weights` uses none."""
