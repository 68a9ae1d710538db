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

# An API key with every scope, as long and as plain as the drawn ones.
SANDBOX_KEY = "etk_test_SandboxKeyOfTheDemoCompanyNeverInRealUse"
