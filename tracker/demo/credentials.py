"""How to log into the demo. Public by design: never load the demo in production."""

from engagements.choices import Role

# Username, password, role.
LOGINS: list[tuple[str, str, Role]] = [
    ("manager", "demo-manager-2026", Role.MANAGER),
    ("finance", "demo-finance-2026", Role.FINANCE),
    ("hr", "demo-hr-feed-2026", Role.HR_INTEGRATION),
    ("auditor", "demo-auditor-2026", Role.AUDITOR),
    ("admin", "demo-admin-2026", Role.ADMINISTRATOR),
]

# The trial key that the guide and the printed examples use; it acts as the
# administrator and may do all that a key can.
SANDBOX_KEY = "etk_test_WexmoorHomeSandboxKeyNeverForProduction1"
# What an HR tool would have: it acts as the HR feed, and reads no amounts.
HR_KEY = "etk_test_WexmoorHomeHrToolKeyNeverForProduction11"
# The identity tool's, which pushes people and reads nothing else.
SCIM_KEY = "etk_test_WexmoorHomeScimFeedKeyNeverForProduction"
