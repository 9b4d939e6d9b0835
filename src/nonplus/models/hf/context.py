"""How many tokens a model can be fed: what its settings say, and what its tables of
positions hold.
"""

from collections.abc import Iterator
from typing import Any

from nonplus.measure.interfaces import NO_LIMIT
from nonplus.models.hf.witness import ForwardPass

# What configurations call the most tokens that the model accepts.
_LIMITS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_sequence_length",
    "seq_length",
    "context_length",
)
_SANE_LIMIT = 1 << 30  # tokenizers without a limit state 10**30


def max_context(config: Any, *, tokenizer_limit: int, seen: ForwardPass) -> int:
    """The least of three limits: of the configuration, of the tokenizer, of the tables
    of positions that the model was seen to look up.

    ``NO_LIMIT`` if there is none, as for a recurrent model or relative positions.
    """
    limits = [*_configured(config), *_positions(seen)]
    limits += [tokenizer_limit] if 0 < tokenizer_limit < _SANE_LIMIT else []
    return min(limits, default=NO_LIMIT)


def _configured(config: Any) -> list[int]:
    """The limit of the configuration, times what ``dynamic`` rotary scaling adds."""
    settings = config.to_dict()
    limits = [settings[key] for key in _LIMITS if isinstance(settings.get(key), int) and settings[key] > 0][:1]
    rotary = settings.get("rope_parameters") or {}
    factor = rotary.get("factor", 1.0) if rotary.get("rope_type") == "dynamic" else 1.0
    return [int(limit * factor) for limit in limits]


def _positions(seen: ForwardPass) -> Iterator[int]:
    """How many tokens each table of learned positions is enough for.

    A table may have rows before that of a text's first token, as those of RoBERTa and
    OPT do, and learned prompts take some.
    """
    for table in seen.lookups:
        consecutive = table.ids == tuple(range(table.ids[0], table.ids[0] + len(table.ids)))
        if consecutive and len(table.ids) >= len(seen.fed) > 1 and table.ids != seen.fed:
            yield table.rows - (table.ids[-1] + 1 - len(seen.fed))
