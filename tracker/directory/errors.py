from engagements.errors import TrackerError
from engagements.models import User
from tracker.directory.choices import SyncKind


class PushRefusedError(TrackerError):
    """What an identity tool sent stands against what is here.

    Carries what the sync page is told of it, once the refused change is rolled back.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: SyncKind,
        name: str,
        external_id: str = "",
        account: User | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.name = name
        self.external_id = external_id
        self.account = account


class NameTakenError(PushRefusedError):
    """Somebody else has this user name or e-mail address."""
