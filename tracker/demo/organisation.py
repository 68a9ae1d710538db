"""Who works at the demo company, what it runs, and whom it buys from."""

from dataclasses import dataclass

from engagements.choices import Breadth, ChecklistStage, Estate, Kind, Role, Tier

COMPANY = "Wexmoor Home"


@dataclass(frozen=True)
class Unit:
    """A department; `head` is a username."""

    code: str
    name: str
    parent: str | None
    head: str


UNITS = (
    Unit("WXM", COMPANY, None, "i.solberg"),
    Unit("TEC", "Technology", "WXM", "manager"),
    Unit("PLT", "Platform", "TEC", "t.herrera"),
    Unit("APP", "Applications", "TEC", "p.raman"),
    Unit("DAT", "Data", "TEC", "j.weber"),
    Unit("OPS", "Operations", "WXM", "g.mensah"),
    Unit("FIN", "Finance", "WXM", "finance"),
    Unit("CUS", "Customer", "WXM", "d.kowalczyk"),
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone of our own.

    `oversight_hours` is what they spend in a month on supervising outside work;
    `weekly_hours` is what they have for it and for their own team.
    """

    username: str
    name: str
    unit: str
    role: Role
    reports_to: str | None = None
    weekly_hours: int = 40
    hourly_cost: str | None = None
    oversight_hours: int = 0


PEOPLE = (
    Person(
        username="i.solberg",
        name="Ingrid Solberg",
        unit="WXM",
        role=Role.MANAGER,
        hourly_cost="118",
    ),
    Person(
        username="manager",
        name="Helena Lindqvist",
        unit="TEC",
        role=Role.MANAGER,
        reports_to="i.solberg",
        hourly_cost="96",
        oversight_hours=64,
    ),
    Person(
        username="t.herrera",
        name="Tomás Herrera",
        unit="PLT",
        role=Role.MANAGER,
        reports_to="manager",
        weekly_hours=36,
        hourly_cost="78",
        oversight_hours=178,
    ),
    Person(
        username="p.raman",
        name="Priya Raman",
        unit="APP",
        role=Role.MANAGER,
        reports_to="manager",
        hourly_cost="81",
        oversight_hours=72,
    ),
    Person(
        username="o.bennett",
        name="Oliver Bennett",
        unit="APP",
        role=Role.MANAGER,
        reports_to="p.raman",
        hourly_cost="72",
        oversight_hours=61,
    ),
    Person(
        username="j.weber",
        name="Jonas Weber",
        unit="DAT",
        role=Role.MANAGER,
        reports_to="manager",
        hourly_cost="79",
        oversight_hours=66,
    ),
    Person(
        username="m.tanaka",
        name="Mei Tanaka",
        unit="DAT",
        role=Role.MANAGER,
        reports_to="j.weber",
        hourly_cost="70",
        oversight_hours=58,
    ),
    Person(
        username="g.mensah",
        name="Grace Mensah",
        unit="OPS",
        role=Role.MANAGER,
        reports_to="i.solberg",
        hourly_cost="74",
        oversight_hours=88,
    ),
    Person(
        username="d.kowalczyk",
        name="Daniel Kowalczyk",
        unit="CUS",
        role=Role.MANAGER,
        reports_to="i.solberg",
        hourly_cost="69",
        oversight_hours=57,
    ),
    Person(
        username="s.rossi",
        name="Sofia Rossi",
        unit="CUS",
        role=Role.MANAGER,
        reports_to="d.kowalczyk",
        weekly_hours=32,
        hourly_cost="66",
        oversight_hours=149,
    ),
    Person(
        username="finance",
        name="Eleanor Whitcombe",
        unit="FIN",
        role=Role.FINANCE,
        reports_to="i.solberg",
        hourly_cost="84",
    ),
    Person(
        username="a.rahman",
        name="Aisha Rahman",
        unit="FIN",
        role=Role.MANAGER,
        reports_to="finance",
        hourly_cost="71",
        oversight_hours=60,
    ),
    Person(username="hr", name="People Feed", unit="WXM", role=Role.HR_INTEGRATION),
    Person(username="auditor", name="Rashid Noor", unit="WXM", role=Role.AUDITOR),
    Person(username="admin", name="Yara Haddad", unit="TEC", role=Role.ADMINISTRATOR),
)


@dataclass(frozen=True, kw_only=True)
class Chore:
    """A task of a checklist; `owner` is a role, blank for the manager."""

    title: str
    stage: ChecklistStage
    due_days: int
    kind: Kind | None = None
    owner: Role | None = None
    removes_access: bool = False


CHORES = (
    Chore(
        title="Confidentiality agreement signed",
        stage=ChecklistStage.ONBOARDING,
        due_days=-5,
    ),
    Chore(
        title="Accounts and building passes requested",
        stage=ChecklistStage.ONBOARDING,
        due_days=-3,
    ),
    Chore(
        title="Purchase order sent to the vendor",
        stage=ChecklistStage.ONBOARDING,
        due_days=0,
        owner=Role.FINANCE,
    ),
    Chore(
        title="Introduced to the team and the systems",
        stage=ChecklistStage.ONBOARDING,
        due_days=2,
        kind=Kind.AUGMENTED,
    ),
    Chore(
        title="Kick-off with the provider's lead",
        stage=ChecklistStage.ONBOARDING,
        due_days=5,
        kind=Kind.MANAGED,
    ),
    Chore(
        title="First review of how it goes",
        stage=ChecklistStage.ONBOARDING,
        due_days=30,
    ),
    Chore(
        title="Exit duties of the contract checked",
        stage=ChecklistStage.OFFBOARDING,
        due_days=-30,
        kind=Kind.MANAGED,
    ),
    Chore(
        title="Knowledge and documents handed over",
        stage=ChecklistStage.OFFBOARDING,
        due_days=-10,
    ),
    Chore(
        title="Equipment returned",
        stage=ChecklistStage.OFFBOARDING,
        due_days=0,
        kind=Kind.AUGMENTED,
    ),
    Chore(
        title="All access removed",
        stage=ChecklistStage.OFFBOARDING,
        due_days=0,
        removes_access=True,
    ),
    Chore(
        title="Final invoice checked and paid",
        stage=ChecklistStage.OFFBOARDING,
        due_days=40,
        owner=Role.FINANCE,
    ),
)

# Code, name, department.
COST_CENTRES = (
    ("4100", "Platform run", "PLT"),
    ("4110", "Platform change", "PLT"),
    ("4200", "Applications run", "APP"),
    ("4210", "Online commerce", "APP"),
    ("4300", "Data and analytics", "DAT"),
    ("5100", "Distribution", "OPS"),
    ("5200", "Stores", "OPS"),
    ("6100", "Finance systems", "FIN"),
    ("7100", "Customer care", "CUS"),
    ("7200", "Digital content", "CUS"),
)


@dataclass(frozen=True, kw_only=True)
class ServiceLine:
    """A service; `maturity` of our own team for it, None where nobody declared it."""

    name: str
    unit: str
    owner: str
    estate: Estate
    maturity: int | None
    declared_months_ago: int = 9


SERVICES = (
    ServiceLine(
        name="Overnight processing",
        unit="PLT",
        owner="t.herrera",
        estate=Estate.SATELLITE,
        maturity=1,
        declared_months_ago=22,
    ),
    ServiceLine(
        name="Workplace support",
        unit="PLT",
        owner="manager",
        estate=Estate.SATELLITE,
        maturity=1,
    ),
    ServiceLine(
        name="Networks",
        unit="PLT",
        owner="manager",
        estate=Estate.SATELLITE,
        maturity=2,
    ),
    ServiceLine(
        name="Security monitoring",
        unit="PLT",
        owner="manager",
        estate=Estate.SATELLITE,
        maturity=1,
    ),
    ServiceLine(
        name="Online shop",
        unit="APP",
        owner="o.bennett",
        estate=Estate.CORE,
        maturity=5,
        declared_months_ago=16,
    ),
    ServiceLine(
        name="Pricing",
        unit="APP",
        owner="p.raman",
        estate=Estate.CORE,
        maturity=5,
    ),
    ServiceLine(
        name="Order management",
        unit="APP",
        owner="p.raman",
        estate=Estate.CORE,
        maturity=4,
    ),
    ServiceLine(
        name="Data warehouse",
        unit="DAT",
        owner="j.weber",
        estate=Estate.CORE,
        maturity=4,
    ),
    ServiceLine(
        name="Demand forecasting",
        unit="DAT",
        owner="m.tanaka",
        estate=Estate.CORE,
        maturity=5,
        declared_months_ago=6,
    ),
    ServiceLine(
        name="Distribution centres",
        unit="OPS",
        owner="g.mensah",
        estate=Estate.SATELLITE,
        maturity=3,
    ),
    ServiceLine(
        name="Store systems",
        unit="OPS",
        owner="g.mensah",
        estate=Estate.SATELLITE,
        maturity=1,
    ),
    ServiceLine(
        name="Finance ledger",
        unit="FIN",
        owner="a.rahman",
        estate=Estate.CORE,
        maturity=4,
    ),
    ServiceLine(
        name="Customer contact",
        unit="CUS",
        owner="d.kowalczyk",
        estate=Estate.SATELLITE,
        maturity=2,
    ),
    ServiceLine(
        name="Product content",
        unit="CUS",
        owner="s.rossi",
        estate=Estate.SATELLITE,
        maturity=1,
        declared_months_ago=20,
    ),
    ServiceLine(
        name="Supplier portal",
        unit="APP",
        owner="p.raman",
        estate=Estate.SATELLITE,
        maturity=None,
    ),
)


@dataclass(frozen=True)
class Craft:
    """A skill, with what people write into their work logs when they used it."""

    name: str
    breadth: Breadth
    notes: tuple[str, ...]


CRAFTS = (
    Craft(
        "Service desk",
        Breadth.GENERAL,
        ("Tickets and call-backs", "New joiners set up", "Laptop replacements"),
    ),
    Craft(
        "System administration",
        Breadth.GENERAL,
        ("Patch round", "Certificates renewed", "Disk alerts cleared"),
    ),
    Craft(
        "Networking",
        Breadth.GENERAL,
        ("Switch replacement", "Branch line fault", "Firewall requests"),
    ),
    Craft(
        "Monitoring",
        Breadth.GENERAL,
        ("Night watch", "Alert tuning", "Batch chain restarted"),
    ),
    Craft(
        "Database administration",
        Breadth.GENERAL,
        ("Index maintenance", "Restore test", "Slow queries looked at"),
    ),
    Craft(
        "Cloud operations",
        Breadth.GENERAL,
        ("Capacity review", "Backup checks", "Environment rebuilt"),
    ),
    Craft(
        "Testing",
        Breadth.GENERAL,
        ("Regression run", "Release rehearsal", "Test data refreshed"),
    ),
    Craft(
        "Web development",
        Breadth.GENERAL,
        ("Checkout changes", "Page speed work", "Accessibility fixes"),
    ),
    Craft(
        "Business analysis",
        Breadth.GENERAL,
        ("Process workshop", "Requirements written up", "Acceptance criteria"),
    ),
    Craft(
        "Project delivery",
        Breadth.GENERAL,
        ("Planning and risks", "Steering papers", "Cut-over plan"),
    ),
    Craft(
        "Reporting",
        Breadth.GENERAL,
        ("Month-end reports", "Report catalogue tidied", "Figures reconciled"),
    ),
    Craft(
        "Content editing",
        Breadth.GENERAL,
        ("Product texts", "Image library", "Seasonal pages"),
    ),
    Craft(
        "Price optimisation",
        Breadth.SPECIALIST,
        ("Elasticity model", "Markdown rules", "Price test read-out"),
    ),
    Craft(
        "Machine learning",
        Breadth.SPECIALIST,
        ("Forecast features", "Model back-test", "Training pipeline"),
    ),
    Craft(
        "Payments integration",
        Breadth.SPECIALIST,
        ("Card scheme changes", "Refund flow", "Settlement files"),
    ),
    Craft(
        "Identity and access",
        Breadth.SPECIALIST,
        ("Single sign-on roll-out", "Access model", "Joiner and leaver flows"),
    ),
    Craft(
        "Robotics control",
        Breadth.SPECIALIST,
        ("Conveyor logic", "Sorter commissioning", "Safety circuit tests"),
    ),
    Craft(
        "Security analysis",
        Breadth.SPECIALIST,
        ("Alert triage", "Phishing report", "Threat hunt"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Supplier:
    """A vendor.

    `invoices_after_days` counts from the end of the month of service; negative where
    it bills in advance.
    """

    name: str
    tier: Tier
    currency: str = "GBP"
    country: str = "GB"
    terms: int = 30
    tax_id: str
    allows_managed: bool = True
    allows_augmented: bool = True
    contact: str
    contact_role: str
    invoices_after_days: int


SUPPLIERS = (
    Supplier(
        name="Tarnwell Systems Ltd",
        tier=Tier.STRATEGIC,
        tax_id="GB 601 2284 17",
        contact="Fiona Drummond",
        contact_role="Account director",
        invoices_after_days=9,
    ),
    Supplier(
        name="Arvendale Support Services Ltd",
        tier=Tier.STRATEGIC,
        tax_id="GB 588 4410 92",
        allows_augmented=False,
        contact="Marcus Adeyemi",
        contact_role="Service delivery lead",
        invoices_after_days=-27,
    ),
    Supplier(
        name="Kestrow Networks Ltd",
        tier=Tier.PREFERRED,
        tax_id="GB 577 9031 40",
        allows_augmented=False,
        contact="Leanne Pritchard",
        contact_role="Service manager",
        invoices_after_days=4,
    ),
    Supplier(
        name="Mirabeck Cyber Defence Ltd",
        tier=Tier.PREFERRED,
        tax_id="GB 613 7752 05",
        allows_augmented=False,
        contact="Callum Reid",
        contact_role="Client partner",
        invoices_after_days=-26,
    ),
    Supplier(
        name="Quillbrook Software Ltd",
        tier=Tier.APPROVED,
        tax_id="GB 620 1178 63",
        contact="Hannah Voss",
        contact_role="Engagement lead",
        invoices_after_days=6,
    ),
    Supplier(
        name="Velmara Consulting GmbH",
        tier=Tier.STRATEGIC,
        currency="EUR",
        country="DE",
        terms=45,
        tax_id="DE 298 114 370",
        contact="Katrin Böhme",
        contact_role="Partner",
        invoices_after_days=12,
    ),
    Supplier(
        name="Solmarc Analítica S.L.",
        tier=Tier.PREFERRED,
        currency="EUR",
        country="ES",
        tax_id="ES B 6611 4082",
        contact="Nuria Casals",
        contact_role="Director",
        invoices_after_days=8,
    ),
    Supplier(
        name="Tessaly Cloud Inc.",
        tier=Tier.PREFERRED,
        currency="USD",
        country="US",
        tax_id="US 84-3310927",
        allows_augmented=False,
        contact="Renée Caldwell",
        contact_role="Customer success",
        invoices_after_days=2,
    ),
    Supplier(
        name="Brightquay Resourcing Ltd",
        tier=Tier.PREFERRED,
        terms=14,
        tax_id="GB 634 8820 11",
        allows_managed=False,
        contact="Joel Abernathy",
        contact_role="Resourcing partner",
        invoices_after_days=16,
    ),
    Supplier(
        name="Ondaro Digital Sp. z o.o.",
        tier=Tier.APPROVED,
        currency="EUR",
        country="PL",
        tax_id="PL 521 390 4417",
        contact="Magdalena Wrona",
        contact_role="Delivery manager",
        invoices_after_days=38,
    ),
    Supplier(
        name="Calderwick Automation Ltd",
        tier=Tier.APPROVED,
        tax_id="GB 598 2203 74",
        contact="Stephen Okoye",
        contact_role="Operations director",
        invoices_after_days=21,
    ),
    Supplier(
        name="Lumenza Contact Solutions Ltd",
        tier=Tier.PREFERRED,
        tax_id="GB 605 6694 28",
        allows_augmented=False,
        contact="Bethan Rhys",
        contact_role="Account manager",
        invoices_after_days=3,
    ),
    Supplier(
        name="Fennick and Rowe Associates LLP",
        tier=Tier.APPROVED,
        tax_id="GB 571 0048 36",
        contact="Gareth Rowe",
        contact_role="Partner",
        invoices_after_days=14,
    ),
    Supplier(
        name="Trivanta Engineering Pvt Ltd",
        tier=Tier.APPROVED,
        currency="USD",
        country="IN",
        terms=45,
        tax_id="IN 29 AAFCT 7712",
        contact="Deepa Krishnan",
        contact_role="Programme lead",
        invoices_after_days=18,
    ),
)
