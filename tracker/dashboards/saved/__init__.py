"""Pages under a name: saved, shared, opened with one's own scope, mailed."""
