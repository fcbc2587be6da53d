"""One of each kind that others can add to QFLchain, each in a file of its own: see docs/guides/doors.md."""
