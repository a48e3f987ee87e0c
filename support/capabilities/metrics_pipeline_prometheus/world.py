"""One scenario of metrics and alerts: customers, what Prometheus makes of them, and whoever is on call."""

import time

from support.capabilities.metrics_pipeline_prometheus.budget import Budget
from support.capabilities.metrics_pipeline_prometheus.burning import Burning
from support.capabilities.metrics_pipeline_prometheus.client import Adapter
from support.capabilities.metrics_pipeline_prometheus.counts import Counts
from support.capabilities.metrics_pipeline_prometheus.customers import Customers
from support.capabilities.metrics_pipeline_prometheus.fates import Fates
from support.capabilities.metrics_pipeline_prometheus.histories import Histories
from support.capabilities.metrics_pipeline_prometheus.oncall import OnCall
from support.capabilities.metrics_pipeline_prometheus.outages import Outages
from support.capabilities.metrics_pipeline_prometheus.series import Series
from support.capabilities.metrics_pipeline_prometheus.suffering import Suffering
from support.capabilities.metrics_pipeline_prometheus.visits import Visits
from support.capabilities.metrics_pipeline_prometheus.wanderers import Wanderers
from support.capabilities.metrics_pipeline_prometheus.workers import Workers
from support.clients.upstream_control import UpstreamControl
from support.faults.faults import Faults
from support.probes.prometheus import Alertmanager, Prometheus
from support.worlds import world
from support.worlds.world import part


class World(world.World[Adapter]):
    """What the steps of one scenario share."""

    fates = part(Fates)
    budget = part(Budget)
    histories = part(Histories)
    suffering = part(Suffering)
    burning = part(Burning)
    outages = part(Outages)
    series = part(Series)
    visits = part(Visits)
    wanderers = part(Wanderers)
    workers = part(Workers)
    on_call = part(OnCall)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.warehouse = self.opened(UpstreamControl.of(self.fleet, "upstream"))
        self.prometheus = self.opened(Prometheus(self.fleet))
        self.alertmanager = Alertmanager(self.fleet)
        self.customers = Customers(self)
        self.counts = Counts(self)

    @staticmethod
    def let_pass(seconds: float) -> None:
        """Waits, where that itself is what the scenario is about."""
        time.sleep(seconds)
