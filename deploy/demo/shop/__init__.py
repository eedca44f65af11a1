"""A small shop whose services misbehave in their telemetry, each in a way of its own."""
