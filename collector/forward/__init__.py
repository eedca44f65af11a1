"""Sends requests on to the next hop, and brings back its answer."""
