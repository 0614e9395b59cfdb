"""Significance tests: the p-value of a difference between good trials and others in one parameter."""

from __future__ import annotations

from collections.abc import Sequence

SIGNIFICANT = 0.1
"""Largest p-value that counts as a difference. A false one costs little: values without effect span a wide range."""


def difference(good: Sequence[float], others: Sequence[float]) -> float:
    """The p-value, in [0, 1], of the hypothesis that good and other trials have the same distribution of values.

    The smaller p-value of two tests, doubled as there are two: of location (Mann and Whitney 1947) and of spread (Mood
    1954), as an optimum in the middle of a range moves no median. Together they have more power than one test of whole
    distributions (Kolmogorov-Smirnov, Cramér-von Mises).
    """
    from scipy import stats  # Imported here, as it takes half a second that the start of a head need not spend.

    distinct = len({*good, *others})
    if not good or not others or distinct == 1:
        return 1.0
    place = stats.mannwhitneyu(good, others, alternative="two-sided").pvalue
    spread = stats.mood(good, others).pvalue if distinct > 2 else 1.0  # two values have no middle to spread around
    return float(min(1.0, 2.0 * min(place, spread)))


def avoidance(hits: int, good: int, seen: int, total: int) -> float:
    """The p-value, in [0, 1], of at most ``hits`` of ``good`` trials having a value that ``seen`` of ``total`` have.

    Fisher's exact test (1922), one-sided.
    """
    from scipy import stats

    table = [[hits, seen - hits], [good - hits, total - good - (seen - hits)]]
    return float(stats.fisher_exact(table, alternative="less").pvalue)
