"""Every choice that changes the figure, and the names under which the field makes these choices."""

from nonplus.protocol.choices import Protocol
from nonplus.protocol.presets import PRESETS, Preset, choose
from nonplus.protocol.rules import Rules, resolve
from nonplus.protocol.texts import detokenize, lm_eval_counts

__all__ = ["PRESETS", "Preset", "Protocol", "Rules", "choose", "detokenize", "lm_eval_counts", "resolve"]
