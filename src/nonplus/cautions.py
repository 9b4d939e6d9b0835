"""Warnings, at the line of whoever called."""

import sys
import warnings

# What may stand between that line and ours.
_BETWEEN = {"nonplus", "keras", "torch", "torchmetrics", "transformers", "evaluate", "evaluate_modules"}


def warn(sentence: str, kind: type[Warning]) -> None:
    """Warn at the line that called nonplus, or a framework that called it."""
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, kind, stacklevel=level)
