"""Lines that are terms of an engagement: price, charges, service levels."""

from typing import Any

from engagements.admin.record_admin import LineInline, Lines
from engagements.models import User
from engagements.services.terms import add_line, change_line, remove_line


class TermInline(LineInline):
    """Stored by the services that hold terms fast while others must approve them."""

    def store(self, lines: Lines, parent: Any, actor: User) -> None:
        for line in lines.removed:
            remove_line(line=line, engagement=parent, actor=actor)
        for line in lines.changed:
            change_line(line=line, engagement=parent, actor=actor)
        for line in lines.added:
            self.add(line, parent, actor)

    def add(self, line: Any, parent: Any, actor: User) -> None:
        add_line(line=line, engagement=parent, actor=actor)
