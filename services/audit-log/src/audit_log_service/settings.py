"""What the audit log is told by its environment: what every service is told."""

from chassis.settings import ServiceSettings


class AuditLogSettings(ServiceSettings):
    """Nothing of its own."""
