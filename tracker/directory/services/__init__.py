from tracker.directory.services.entries import (
    remove_old_entries,
    settle_entry,
    tell,
    tell_refusal,
)
from tracker.directory.services.people import (
    can_link,
    change_provisioned,
    link_account,
    match_again,
    provision_person,
    remove_person,
)
from tracker.directory.services.teams import (
    change_team,
    map_team,
    provision_team,
    remove_team,
)

__all__ = [
    "can_link",
    "change_provisioned",
    "change_team",
    "link_account",
    "map_team",
    "match_again",
    "provision_person",
    "provision_team",
    "remove_old_entries",
    "remove_person",
    "remove_team",
    "settle_entry",
    "tell",
    "tell_refusal",
]
