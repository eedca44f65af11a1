"""Detectors of secrets and personal data in the strings of telemetry."""
