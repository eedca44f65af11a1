"""Violations to the outside: findings, metrics, JSON lines."""
