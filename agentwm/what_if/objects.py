"""Candidate futures, and plans made again, as JSON objects."""

from agentwm.types import State, Value
from agentwm.what_if.futures import Course, Foretold, Future, Happened, Parting, WhatIf
from agentwm.what_if.recorded import Replanned

__all__ = ["replanned_object", "what_if_object"]

Object = dict[str, object]


def what_if_object(found: WhatIf) -> Object:
    """Return the courses, each with its futures, and where they part."""
    return {
        "courses": [_course(course) for course in found.courses],
        "partings": [_parting(parting) for parting in found.partings],
    }


def replanned_object(replanned: Replanned) -> Object:
    """Return the plan, what it cost, and each plan considered with what is imagined of it; the first is the one chosen, if there is one."""
    plan, spent = replanned.plan, replanned.plan.spent
    return {
        "name": replanned.planner,
        "reason": plan.reason,
        "chosen": replanned.imagined.courses[0].command if plan.actions else None,
        "spent": {"model_calls": spent.model_calls, "seconds": round(spent.seconds, 3)},
        "considered": [
            {"value": each.value, "reason": each.reason, "reaches_goal": each.reaches_goal, **_course(course)}
            | {"is_vetoed": each.is_vetoed or course.veto is not None}
            for each, course in zip(replanned.plans, replanned.imagined.courses, strict=True)
        ],
    }


def _course(course: Course) -> Object:
    return {
        "command": course.command,
        "confidence": course.confidence,
        "steps": [_step(step) for step in course.steps],
        "futures": [_future(future) for future in course.futures],
        "happened": None if course.happened is None else _happened(course.happened),
    }


def _step(step: Foretold) -> Object:
    return {
        "command": step.command,
        "sources": list(step.sources),
        "rules": dict(step.rules),
        "confidence": step.confidence,
        "is_vetoed": step.is_vetoed,
    }


def _future(future: Future) -> Object:
    return {
        "probability": future.probability,
        "changes": _facts(future.changes),
        "success": future.success,
        "reward": future.reward,
        "is_end": future.is_end,
        "text": future.text,
    }


def _happened(happened: Happened) -> Object:
    return {
        "changes": _facts(happened.changes),
        "success": happened.success,
        "reward": happened.reward,
        "is_end": happened.is_end,
        "text": happened.text,
        "future": happened.future,
    }


def _parting(parting: Parting) -> Object:
    chances = [
        [{"value": value, "probability": probability} for value, probability in each.items()]
        for each in parting.chances
    ]
    return {"about": str(parting.about), "chances": chances}


def _facts(state: State) -> dict[str, Value]:
    return {str(fluent): value for fluent, value in state.items()}
