"""Celery messages as files, for one machine with no broker installed."""

import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem


class Channel(filesystem.Channel):
    # Kombu's two parents name the second argument differently.
    def _put(  # type: ignore[override]
        self, queue: str, payload: dict[str, Any], **_: Any
    ) -> None:
        # Kombu opens the file under its final name and then writes: a worker that
        # looks in between takes an empty message. A rename shows it whole or not
        # at all. The wall clock, unlike kombu's, keeps the order over a restart.
        name = f"{time.time_ns()}_{uuid4().hex}.{queue}.msg"
        folder = Path(self.data_folder_out)
        draft = folder / f"{name}.draft"
        draft.write_text(json.dumps(payload), encoding="utf-8")
        os.replace(draft, folder / name)


class Transport(filesystem.Transport):
    Channel = Channel
