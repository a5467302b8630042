"""What may be told by the environment to the chaos tests, and to the two services of the rig."""

from pathlib import Path

from chassis.settings import ServiceSettings
from pydantic_settings import BaseSettings, SettingsConfigDict


class ChaosSettings(BaseSettings):
    """TILLIT_CHAOS_SEED: the seed of the short round, to have a failed one again; a random one without it."""

    model_config = SettingsConfigDict(env_prefix="TILLIT_CHAOS_")

    seed: int | None = None


class RigServiceSettings(ServiceSettings):
    """What the rig tells its services beside what every service is told."""

    clock_file: Path
    """How many seconds this process's clock is off."""
    cure_file: Path
    """While it exists, poison does no harm."""
