"""The compiled decoder: OTLP's wire bytes to the four views, without a message in between."""
