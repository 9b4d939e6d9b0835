"""Every error nonplus raises, as one tree.

::

    NonplusError
    ├── BadInput (ValueError)          the text, file or numbers that came cannot be measured
    │   ├── BadProbability             a value that no probability, log-probability or logit can have
    │   └── BadRecord                  a corpus that breaks its own format, with the place where it does
    ├── BadProtocol (ValueError)       a choice that contradicts another choice, the model or the text
    ├── BadModel (ValueError)          a model that cannot be opened or cannot answer
    └── MissingExtra (ImportError)     a part of nonplus that is not installed, with the line that installs it

Every message answers three questions: what came, what the rule is, what to do.
"""


class NonplusError(Exception):
    """Any error that nonplus raises on purpose."""


class BadInput(NonplusError, ValueError):
    """The text, file or numbers that came cannot be measured."""


class BadProbability(BadInput):
    """A value that no probability, log-probability or logit can have."""


class BadRecord(BadInput):
    """A corpus that breaks its own format; the message names the place."""


class BadProtocol(NonplusError, ValueError):
    """A choice that contradicts another choice, the model or the text."""


class BadModel(NonplusError, ValueError):
    """A model that cannot be opened or cannot answer."""


class MissingExtra(NonplusError, ImportError):
    """A part of nonplus that is not installed."""


class ProtocolWarning(UserWarning):
    """A protocol is followed faithfully although its figure is known to mislead."""


class SuspectInput(UserWarning):
    """Input that can be measured, and is probably not what was meant."""


class FallbackNotice(UserWarning):
    """A fast path failed its self-check, so the plain path is used."""
