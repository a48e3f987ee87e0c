"""What an operator may set for cached answers of language models."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import SettingsError, positive


@dataclass(frozen=True)
class LlmSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    redis_url: str = field(repr=False)  # may hold a password
    model_provider_url: str
    llm_cache_ttl_s: float  # an answer's life, from when it was made and however often it is asked for
    llm_lease_s: float  # renewed while an answer is under way; a node that died blocks nobody for longer
    llm_call_timeout_s: float
    llm_similarity: float  # questions whose vectors are at this cosine or nearer may share an answer
    embedding_model: str

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "LlmSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        similarity = positive(environ, "LLM_SIMILARITY", 0.9)
        if similarity > 1:
            raise SettingsError(f"LLM_SIMILARITY: expected a cosine, at most 1, got {similarity:g}")
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            model_provider_url=environ.get("MODEL_PROVIDER_URL", "https://api.openai.com"),
            llm_cache_ttl_s=positive(environ, "LLM_CACHE_TTL_S", 3600),
            llm_lease_s=positive(environ, "LLM_LEASE_S", 2),
            llm_call_timeout_s=positive(environ, "LLM_CALL_TIMEOUT_S", 60),
            llm_similarity=similarity,
            embedding_model=environ.get("EMBEDDING_MODEL", "text-embedding-3-small"),
        )
