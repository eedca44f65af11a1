"""Bounds of a decoder, each with its default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a decoder keeps at most.

    Attributes:
        slice_items: items per batch; a large request is handed over in slices.
        max_keys: distinct attribute names known at a time; nothing is concluded from others,
            though strings under them are looked at, and their items are not judged by their shape.
        max_shapes: distinct shapes known at a time; items of others are not judged by it. When
            either table is full, both are begun anew every 10 seconds.
        max_new_profiles: kinds of call learned at once, and an eighth as many each second; spans
            of further ones are known by their kind (SERVER, CLIENT, ...) alone.
        max_values_at_once: distinct strings handed over with one batch.
        remembered_values: distinct (key, value) pairs of which the verdict is remembered.
        max_value_length: characters of a string that are handed over.
        remembered_series: series remembered within a sub-window.
        series_refresh: length of a sub-window in seconds.
        trace_wait: seconds from a trace's first span to its judgement; 30 is the default
            decision wait of the Collector's tail sampling processor.
        max_spans: open spans.
        max_spans_per_trace: spans of one trace.
        max_spans_shown: spans of one marked trace that policies see.
        max_producers: PRODUCER spans whose end is remembered; the ages of messages are told by it.
        max_watched: trace ids that are watched for.
    """

    slice_items: int = 2000
    max_keys: int = 8_192
    max_shapes: int = 8_192
    max_new_profiles: int = 4_096
    max_values_at_once: int = 20_000
    remembered_values: int = 262_144
    max_value_length: int = 1_048_576
    remembered_series: int = 1_000_000
    series_refresh: float = 300.0
    trace_wait: float = 30.0
    max_spans: int = 200_000
    max_spans_per_trace: int = 10_000
    max_spans_shown: int = 2_000
    max_producers: int = 100_000
    max_watched: int = 10_000
