"""How the web server runs: gunicorn -c python:config.gunicorn config.wsgi"""

import gc
from typing import Any

from config.env import env, log_format, log_level, trusted_proxies
from config.logs import logging_config

bind = f"{env.str('HOST', default='127.0.0.1')}:{env.int('PORT', default=8000)}"
worker_class = "gthread"
workers = env.int("WEB_WORKERS", default=2)
threads = env.int("WEB_THREADS", default=4)
# Workers are forked from a process that has loaded all: one that was killed is replaced
# within a tenth of a second, and they share what never changes.
preload_app = True
timeout = 60
graceful_timeout = 10
# Only these may say, by X-Forwarded-Proto, that the request came over TLS.
forwarded_allow_ips = ",".join(trusted_proxies())
# Its default is a file in the home folder, the same for every copy of the product.
control_socket_disable = True
# Requests are logged by RequestIdMiddleware, with their ids.
accesslog = None
logconfig_dict = logging_config(log_format=log_format(), level=log_level())


def when_ready(server: Any) -> None:
    """Leave what was loaded out of garbage collection: it stays for good.

    Else every few thousand rows that are answered, all of Django is looked through, and
    by that its memory copied for each worker.
    """
    gc.collect()
    gc.freeze()
