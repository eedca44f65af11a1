"""Views to violations; no I/O, no clock: `now` is handed in."""
