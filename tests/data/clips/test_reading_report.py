from __future__ import annotations

from fractions import Fraction

from animeinterp.data.clips.reading_report import ReadingReport

STEP = Fraction(1, 10)


def shown(*tenths: int) -> ReadingReport:
    report = ReadingReport("movie.mkv")
    for number in tenths:
        report.shown(number * STEP, STEP)
    return report


def test_nothing_met_is_nothing_said() -> None:
    assert shown(*range(50)).lines() == ()


def test_a_gap_at_an_even_rate_is_told() -> None:
    (line,) = shown(*range(20), *range(25, 50)).lines()
    assert line.startswith("movie.mkv: no frames between 00:01.9 and 00:02.5, at an otherwise even rate")


def test_gaps_at_a_varying_rate_mean_nothing() -> None:
    assert shown(*range(0, 60, 3)).lines() == ()


def test_an_end_before_its_time_is_told_unless_it_is_near() -> None:
    report = shown(0, 1)
    report.ended(Fraction(2, 10), Fraction(3, 10), 2 * STEP)
    assert report.lines() == ()
    report.ended(Fraction(2, 10), Fraction(75), 2 * STEP)
    assert report.lines() == ("movie.mkv: ends at 00:00.2 instead of 01:15.0; the existing part is used",)


def test_lost_packets_are_counted_with_where_they_were() -> None:
    report = shown(0)
    report.lose(Fraction(62))
    assert "1 packet near 01:02.0 could not be decoded" in report.lines()[0]
    assert "frames there are missing" in report.lines()[0]
    report.lose(Fraction(70))
    assert "2 packets between 01:02.0 and 01:10.0 could not be decoded" in report.lines()[0]
    assert "no frame of it could be decoded (2 packets of video found" in report.nothing()


def test_damage_is_told_apart_from_what_is_only_odd() -> None:
    report = shown(*range(20), *range(25, 50))
    report.repaired = report.resized = 1
    report.interlaced = True
    assert report.damage() == ()
    report.lose(Fraction(1))
    report.replaced = 1
    report.damaged = 3
    report.ended(Fraction(2), Fraction(9), 2 * STEP)
    assert [line.partition(": ")[2] for line in report.damage()] == [
        "1 packet near 00:01.0 could not be decoded; the frame before stands in",
        "3 frames damaged; used as far as decoded",
        "ends at 00:02.0 instead of 00:09.0; the existing part is used",
    ]
    assert set(report.damage()) < set(report.lines())
