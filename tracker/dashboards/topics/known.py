"""The topics there are: a new one is a package and a line here."""

from collections.abc import Sequence

from tracker.dashboards.contractors.page import Contractors
from tracker.dashboards.cost_centres.page import CostCentres
from tracker.dashboards.data_quality.page import DataQuality
from tracker.dashboards.fit.page import Fit
from tracker.dashboards.levels.pages import SERVICE_LEVELS
from tracker.dashboards.own.page import Own
from tracker.dashboards.topics.page import Topic
from tracker.dashboards.vendors.page import Vendors

# In the order of the navigation.
TOPICS: Sequence[Topic] = (
    Own(),
    Vendors(),
    CostCentres(),
    Contractors(),
    SERVICE_LEVELS,
    Fit(),
    DataQuality(),
)
BY_NAME = {topic.name: topic for topic in TOPICS}
