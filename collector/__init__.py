"""Telemetry auditor: inspects live OpenTelemetry data against policies."""

__version__ = "0.1.0"
