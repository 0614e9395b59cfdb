"""What the libraries that take a ConfigSpace and name a budget share."""

from __future__ import annotations

import math

from ConfigSpace import AndConjunction, Categorical, ConfigurationSpace, Float, InCondition, Integer

from bench.problems.problems import Problem


def space(problem: Problem, seed: int) -> ConfigurationSpace:
    """The problem's space, with its conditions."""
    made = ConfigurationSpace(seed=seed)
    for parameter in problem.space.parameters:
        name, low, high = parameter.name, parameter.lower, parameter.upper
        if parameter.kind == "category":
            made.add(Categorical(name, list(parameter.choices)))
        elif parameter.kind == "int":
            made.add(Integer(name, (int(low), int(high)), log=parameter.log))
        else:
            made.add(Float(name, (low, high), log=parameter.log))
    for child, conditions in problem.space.conditions.items():
        parts = [InCondition(made[child], made[each.parent], list(each.values)) for each in conditions]
        made.add(parts[0] if len(parts) == 1 else AndConjunction(*parts))
    return made


def level(problem: Problem, budget: float) -> int:
    """The position of the level whose resource is nearest to ``budget``, in ratio."""
    distances = [abs(math.log(budget / resource)) for resource in problem.resources]
    return distances.index(min(distances))
