"""What may be told by the environment to the tests of schedules."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class ProofsSettings(BaseSettings):
    """TILLIT_PROOFS_SEED: the seed of the schedules, to have a failed one again; a random one without it."""

    model_config = SettingsConfigDict(env_prefix="TILLIT_PROOFS_")

    seed: int | None = None
