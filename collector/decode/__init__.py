"""Bytes of OTLP to the four views; no I/O, no clock."""
