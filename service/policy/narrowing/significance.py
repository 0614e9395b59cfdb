"""Whether the good trials differ from the others in one parameter, as p-values of rank and exact tests."""

from __future__ import annotations

from collections.abc import Sequence

SIGNIFICANT = 0.1
"""Below this p-value a difference counts. A false one costs little: the range of values that lie anywhere is wide."""


def difference(good: Sequence[float], others: Sequence[float]) -> float:
    """How likely values as unlike as these are if good and other trials take them alike: a p-value in [0, 1].

    The smaller one of two tests, doubled as there are two: where the values lie (Mann and Whitney 1947), and how far
    they spread (Mood 1954), for an optimum in the middle moves no median. Together they find either case more
    often than one test of whole distributions does (Kolmogorov-Smirnov, Cramér-von Mises).
    """
    from scipy import stats  # Loading it takes half a second, for which no head's start has to wait.

    distinct = len({*good, *others})
    if not good or not others or distinct == 1:
        return 1.0
    place = stats.mannwhitneyu(good, others, alternative="two-sided").pvalue
    spread = stats.mood(good, others).pvalue if distinct > 2 else 1.0  # two values have no middle to spread around
    return float(min(1.0, 2.0 * min(place, spread)))


def avoidance(hits: int, good: int, seen: int, total: int) -> float:
    """How likely at most ``hits`` of ``good`` trials have a value that ``seen`` of ``total`` have, if by chance alone.

    Fisher's exact test (1922), one-sided: a p-value in [0, 1].
    """
    from scipy import stats

    table = [[hits, seen - hits], [good - hits, total - good - (seen - hits)]]
    return float(stats.fisher_exact(table, alternative="less").pvalue)
