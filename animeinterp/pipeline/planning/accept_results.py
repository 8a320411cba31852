"""Accept results after a harmless change, and retract this."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.names import own_command
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.former_results import FormerResults
from animeinterp.pipeline.planning.selection import Selection, unknown_stage
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import Verdicts
from animeinterp.pipeline.store.acceptances import (
    Acceptance,
    Acceptances,
    read_acceptances,
    write_acceptance,
)
from animeinterp.pipeline.store.stage_descriptions import DIGITS_SHOWN

DEFINING = frozenset({"synthesis.times"})
"""Settings that define what is computed, not how: with other values, the results are other results."""


def change_acceptances(
    config: Config, selection: Selection, accept: Iterable[str], retract: Iterable[str], *, look_only: bool
) -> tuple[Acceptances, list[str]]:
    """Accept the present results of some stages, and retract what was accepted for others.

    Parameters
    ----------
    config, selection
        What to work on.
    accept, retract
        Names of stages.
    look_only
        Write nothing.

    Returns
    -------
    tuple
        What is then accepted, and a line for each change.

    Raises
    ------
    ConfigError
        There is nothing to accept or to retract.
    CacheError
        It cannot be recorded.
    """
    cache = config.store.cache
    known = read_acceptances(cache, STAGES)
    accept, retract = _in_order(accept), _in_order(retract)
    said = []
    # One by one, earlier stages first: the differences of later stages depend on them.
    for stage in [name for name in STAGES if name in (*accept, *retract)]:
        session = Session.open(config, selection, look_only=True, accepted=known)
        if stage in retract:
            taken_back = accepted_now(session, stage)
            known = known.with_change(taken_back, keep=False)
            if not look_only:
                write_acceptance(cache, taken_back, keep=False)
            said.append(f"{'would be retracted' if look_only else 'retracted'}: {taken_back}")
        if stage in accept:
            accepted, kept = propose(session, stage)
            known = known.with_change(accepted, keep=True)
            verb, where = "would keep", ""
            if not look_only:
                path = write_acceptance(cache, accepted)
                verb, where = "keeps", f"; {path} says so, and --retract-accepted {stage} takes it back"
            said.append(
                f"accepted: {stage} {verb} {kept} results (from {accepted.kept[:DIGITS_SHOWN]}) in spite of "
                f"{', '.join(accepted.changes)}{where}"
            )
    return known, said


def propose(session: Session, stage: str) -> tuple[Acceptance, str]:
    """What accepting a stage's present results would be, and of how many items it keeps them ("3 of 4").

    Raises
    ------
    ConfigError
        There is nothing to accept, or the change is not the stage's own.
    """
    option = f"--accept-current {stage}"
    if stage not in session.stages:
        raise ConfigError(f"{option}: this stage is not among those to run ({', '.join(session.stages)})")
    now = session.descriptions[stage]
    if now.fingerprint != now.own:
        raise ConfigError(f"{option}: results are already accepted ({accepted_now(session, stage)})")
    records = [record for _, record in session.records(stage)]
    if all(record is not None for record in records):
        raise ConfigError(f"{option}: nothing to accept, its results are current")
    former = Verdicts(session).history.former(stage)
    if not former:
        raise ConfigError(f"{option}: nothing to accept, the cache holds no other results of {stage}")
    own = [results for results in former if results.description.reads == now.reads]
    if not own:
        raise ConfigError(f"{option}: {_of_earlier_stages(former[0])}")
    under = [session.under(stage, results.description.fingerprint).records(stage) for results in own]
    kept = [sum(record is not None and record.status == "ok" for _, record in found) for found in under]
    if not any(kept):
        raise ConfigError(
            f"{option}: nothing to accept: results with other settings have other inputs, "
            f"or {' and '.join(now.reads) or 'its input'} is not done; "
            f"see '{own_command('explain', stage)}'"
        )
    count, results = max(zip(kept, own, strict=True), key=lambda pair: pair[0])
    for difference in results.own:
        if difference.what in DEFINING:
            raise ConfigError(f"{option}: refused: with {difference} the results differ")
    changes = tuple(map(str, results.own))
    time = datetime.now(UTC).isoformat(timespec="seconds")
    accepted = Acceptance(stage, now.own, results.description.fingerprint, changes, time)
    return accepted, f"{count} of {len(records)}"


def accepted_now(session: Session, stage: str) -> Acceptance:
    """What is accepted for a stage at present.

    Raises
    ------
    ConfigError
        Nothing is.
    """
    found = session.accepted(stage)
    if found is None:
        raise ConfigError(
            f"--retract-accepted {stage}: nothing is accepted for {stage} with this config, "
            "whose results are its own"
        )
    return found


def _in_order(stages: Iterable[str]) -> list[str]:
    chosen = list(stages)
    for stage in chosen:
        if stage not in STAGES:
            raise unknown_stage(stage)
    return [stage for stage in STAGES if stage in chosen]


def _of_earlier_stages(results: FormerResults) -> str:
    """Why results that depend on other earlier results cannot be accepted."""
    if not results.inherited:
        changes = ", ".join(map(str, results.own))
        return f"refused: with {changes} it reads other stages, so its results differ"
    first, changes = results.inherited[0].stage, ", ".join(map(str, results.inherited))
    return (
        f"not possible: an earlier stage changed ({changes}); accept that one first "
        f"(--accept-current {first}) or run it"
    )
