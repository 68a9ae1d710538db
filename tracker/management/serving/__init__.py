"""Running web server, worker and beat as one: all that `manage.py serve` starts."""
