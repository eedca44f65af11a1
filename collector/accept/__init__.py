"""Listeners, and the decision to take or refuse."""
