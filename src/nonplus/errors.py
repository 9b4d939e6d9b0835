"""Every error nonplus raises, as one tree.

::

    NonplusError
    ├── BadInput (ValueError)       a text, file or numbers that cannot be measured
    │   ├── BadProbability          an invalid probability, log-probability or logit
    │   └── BadRecord               a corpus that breaks its format, with the place
    ├── BadProtocol (ValueError)    a choice that does not fit another, model or text
    ├── BadModel (ValueError)       a model that cannot be opened or run
    └── MissingExtra (ImportError)  a missing package, with the line that installs it

Every message states the input, the rule, and what to do.
"""


class NonplusError(Exception):
    """Any error that nonplus raises on purpose."""


class BadInput(NonplusError, ValueError):
    """A text, file or numbers that cannot be measured."""


class BadProbability(BadInput):
    """An invalid probability, log-probability or logit."""


class BadRecord(BadInput):
    """A corpus that breaks its format; the message names the place."""


class BadProtocol(NonplusError, ValueError):
    """A choice that does not fit another choice, the model or the text."""


class BadModel(NonplusError, ValueError):
    """A model that cannot be opened or run."""


class MissingExtra(NonplusError, ImportError):
    """A package that is not installed; the message ends with the install line."""


class ProtocolWarning(UserWarning):
    """A protocol is followed exactly, although its figure is known to mislead."""


class SuspectInput(UserWarning):
    """Input that can be measured but is probably a mistake."""


class FallbackNotice(UserWarning):
    """A fast path failed its self-check, so the slow path is used."""
